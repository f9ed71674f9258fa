"""Weight decay, clipping and the moving average of weights, beside Keras's."""

from statistics import median
from typing import Any

import keras

from tests.benchmarks.models import MODELS
from tests.benchmarks.optimizers import TWINS
from tests.benchmarks.table import Table
from tests.benchmarks.training import Training, seconds

EXTRAS: dict[str, dict[str, Any]] = {
    "none": {},
    "weight_decay": {"weight_decay": 0.01},
    "clipvalue": {"clipvalue": 0.1},
    "clipnorm": {"clipnorm": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "use_ema": {"use_ema": True},
}
UPDATES, CHUNKS = 30, 5


def run(models: list[str], formula: str, jit_compile: list[bool], rounds: int) -> None:
    """Measures all and writes the table."""
    table = Table(
        "extras",
        f"Seconds to the end of the first step and milliseconds of the update alone, "
        f"{formula}; medians of {rounds} interleaved rounds.",
        [
            *("model", "jit", "argument", "first Keras", "first ours", "ratio"),
            *("update Keras", "update ours", "ratio"),
        ],
    )
    for model in models:
        for jit in jit_compile:
            for name, arguments in EXTRAS.items():
                first: tuple[list[float], list[float]] = ([], [])
                later: tuple[list[float], list[float]] = ([], [])
                for _ in range(rounds):
                    keras.utils.clear_session()
                    twins = [
                        Training(MODELS[model], make(**arguments), jit)
                        for make in TWINS[formula]
                    ]
                    updates = [twin.update() for twin in twins]
                    for of_twin, twin in zip(first, twins, strict=True):
                        of_twin.append(twin.first_step)
                    for _ in range(CHUNKS):
                        for of_twin, update in zip(later, updates, strict=True):
                            update()
                            of_twin += [1e3 * seconds(update) for _ in range(UPDATES)]
                figures = [
                    (median(theirs), median(ours)) for theirs, ours in (first, later)
                ]
                table.add(
                    *(model, str(jit), name),
                    *(
                        figure
                        for theirs, ours in figures
                        for figure in (theirs, ours, ours / theirs)
                    ),
                )
    table.show()
