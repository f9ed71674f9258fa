"""The first step and later ones of whole models, each optimizer beside its twin."""

import itertools
from collections.abc import Sequence
from statistics import median

import keras

from tests.benchmarks.models import MODELS
from tests.benchmarks.optimizers import TWINS, plain
from tests.benchmarks.table import Table
from tests.benchmarks.training import Training, seconds

STEPS, CHUNKS, UPDATES = 20, 3, 20


def run(
    models: Sequence[str],
    twins: Sequence[str],
    jit_compile: Sequence[bool],
    rounds: int,
) -> None:
    """Measures all and writes the table."""
    of_jit = ["jit"] if list(jit_compile) == [True] else []
    table = Table(
        "-".join(["steps", *models, *of_jit]),
        "Seconds to the end of the first step, milliseconds of a later step of `fit` "
        "and of the update alone, batch 8; medians of "
        f"{rounds} rounds. Ratios ours / Keras; shares: of what is above SGD.",
        ("model", "jit", "of", "optimizer", "SGD", "Keras", "ours", "ratio", "shares"),
    )
    makers = {"plain": plain}
    for name in twins:
        makers[f"{name} keras"], makers[f"{name} ours"] = TWINS[name]
    for model, jit in itertools.product(models, jit_compile):
        taken: dict[str, dict[str, list[float]]] = {
            what: {key: [] for key in makers}
            for what in ("first step, s", "step, ms", "update, ms")
        }
        for _ in range(rounds):
            keras.utils.clear_session()
            trainings = {}
            for key, make in makers.items():
                trainings[key] = Training(MODELS[model], make(), jit)
                taken["first step, s"][key].append(trainings[key].first_step)
            updates = {key: each.update() for key, each in trainings.items()}
            for _ in range(CHUNKS):
                for key, training in trainings.items():
                    of_steps = training.step(STEPS)
                    taken["step, ms"][key].append(1e3 * median(of_steps))
                for key, update in updates.items():
                    update()
                    of_updates = [seconds(update) for _ in range(UPDATES)]
                    taken["update, ms"][key].append(1e3 * median(of_updates))
        for (what, times), name in itertools.product(taken.items(), twins):
            floor, theirs, ours = (
                median(times[key]) for key in ("plain", f"{name} keras", f"{name} ours")
            )
            table.add(
                *(model, str(jit), what, name, floor, theirs, ours, ours / theirs),
                (ours - floor) / (theirs - floor),
            )
    table.show()
