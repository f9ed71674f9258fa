"""What a moving gamma costs, one that is watched, and a change from a callback."""

from functools import partial
from statistics import mean, median

import keras

import keras_momentum
from tests.benchmarks.models import MODELS
from tests.benchmarks.table import Table
from tests.benchmarks.training import Training, seconds

STEPS = 200


def run(models: list[str], rounds: int) -> None:
    """Measures all and writes the table."""
    table = Table(
        "moving_gamma",
        "Milliseconds of a step of `fit` with a constant gamma, with a ramp and a "
        "restart every 5 steps, and with these and a MomentumMonitor, as means of "
        f"{STEPS} steps; and seconds of a step after a change of gamma: set on our "
        f"optimizer, and by a new `compile` with Keras's. Medians of {rounds} "
        "interleaved rounds.",
        (
            *("model", "jit", "constant", "moving", "moving / constant"),
            *("watched", "watched / moving"),
            *("set gamma, s", "compile, s"),
        ),
    )
    for model in models:
        for jit in (False, True):
            constant = Training(MODELS[model], keras_momentum.Momentum(0.001), jit)
            moving = Training(MODELS[model], keras_momentum.Momentum(0.001), jit)
            keras_sgd = Training(
                MODELS[model], keras.optimizers.SGD(0.001, momentum=0.9), jit
            )
            moving.model.optimizer.ramp("gamma", 0.5, 0.95, steps=10_000)
            moving.model.optimizer.restart_every = 5
            monitor = keras_momentum.callbacks.MomentumMonitor()
            moving.fit(1, (monitor,))
            times: dict[str, list[float]] = {
                key: [] for key in ("constant", "moving", "watched", "set", "compile")
            }
            for _ in range(rounds):
                # Means, as few of the steps are watched.
                times["constant"].append(mean(constant.step(STEPS)))
                times["moving"].append(mean(moving.step(STEPS)))
                # The same model: two of them differ by more than is measured here.
                times["watched"].append(mean(moving.step(STEPS, (monitor,))))
                times["set"].append(seconds(partial(changed, constant)))
                times["compile"].append(seconds(partial(recompiled, keras_sgd)))
            base, of_moving, of_watched, of_set, of_compile = map(
                median, times.values()
            )
            table.add(
                *(model, str(jit), 1e3 * base, 1e3 * of_moving, of_moving / base),
                *(1e3 * of_watched, of_watched / of_moving, of_set, of_compile),
            )
    table.show()


def changed(training: Training) -> None:
    """A step with another gamma."""
    training.model.optimizer.gamma = 0.9
    training.fit(1)


def recompiled(training: Training) -> None:
    """The same in Keras, where velocities are lost besides."""
    training.compile(keras.optimizers.SGD(0.001, momentum=0.9))
    training.fit(1)
