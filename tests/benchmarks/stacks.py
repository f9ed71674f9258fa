"""Muon's matrices of one shape orthogonalised at once, and one by one."""

from collections.abc import Sequence
from statistics import median

import keras
import pytest

import keras_momentum
from keras_momentum._backend import backend
from tests.benchmarks.models import MODELS
from tests.benchmarks.table import Table
from tests.benchmarks.training import Training, seconds

CHUNKS, UPDATES = 3, 20


def run(models: Sequence[str], rounds: int) -> None:
    """Measures both and writes the table.

    Raises:
        SystemExit: If the backend stacks nothing.
    """
    if not hasattr(backend, "MAXIMUM_STACK_SIZE"):
        raise SystemExit("On JAX every matrix comes alone; see jax.py")
    table = Table(
        "-".join(["stacks", *models]),
        "Seconds to the end of the first step, milliseconds of the update alone, batch "
        f"8; medians of {rounds} rounds. Ratios at once / one by one.",
        ("model", "of", "one by one", "at once", "ratio"),
    )
    for model in models:
        taken: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            keras.utils.clear_session()
            updates = {}
            for how in ("one by one", "at once"):
                with pytest.MonkeyPatch.context() as patch:
                    if how == "one by one":
                        patch.setattr(backend, "MAXIMUM_STACK_SIZE", 0)
                    training = Training(MODELS[model], keras_momentum.Muon(), False)
                taken.setdefault(("first step, s", how), []).append(training.first_step)
                updates[how] = training.update()
                updates[how]()
            for _ in range(CHUNKS):
                for how, update in updates.items():
                    times = [1e3 * seconds(update) for _ in range(UPDATES)]
                    taken.setdefault(("update, ms", how), []).append(median(times))
        for what in ("first step, s", "update, ms"):
            alone = median(taken[what, "one by one"])
            at_once = median(taken[what, "at once"])
            table.add(model, what, alone, at_once, at_once / alone)
    table.show()
