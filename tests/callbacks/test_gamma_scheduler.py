"""`GammaScheduler`: what it calls, how often, and what it refuses."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaScheduler
from keras_momentum.schedules._values import values, values_at_once
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit


def test_a_function_gets_the_epoch_and_the_current_gamma() -> None:
    calls = []

    def schedule(epoch: int, gamma: float) -> float:
        calls.append((epoch, round(gamma, 6)))
        return gamma / 2

    model = compiled(keras_momentum.Momentum(RATE, 0.8))
    fit(model, GammaScheduler(schedule), epochs=3)
    assert calls == [(0, 0.8), (1, 0.4), (2, 0.2)]
    fit(model, GammaScheduler(schedule), epochs=2, initial_epoch=1)
    assert calls[3:] == [(1, 0.1)]


@pytest.mark.parametrize("accumulated", [1, 2])
def test_a_function_is_called_once_an_update(accumulated: int) -> None:
    steps = []

    def schedule(step: int, gamma: float) -> float:
        steps.append(step)
        return 0.5

    accumulation = accumulated if accumulated > 1 else None
    optimizer = keras_momentum.Momentum(RATE, gradient_accumulation_steps=accumulation)
    fit(compiled(optimizer), GammaScheduler(schedule, unit="step"), epochs=3)
    assert steps == list(range(3 * BATCHES // accumulated))


class Picky(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule for scalars only."""

    def __call__(self, step: Any) -> float:
        return 0.9 if step > 3 else 0.5


def test_schedules_that_take_one_step_at_a_time() -> None:
    steps = np.arange(6, dtype=np.int32)
    assert values(Picky(), steps).tolist() == [0.5, 0.5, 0.5, 0.5, 0.9, 0.9]
    warm = keras.optimizers.schedules.CosineDecay(
        0.1, 5, warmup_target=0.9, warmup_steps=2
    )
    wanted = [float(keras.ops.convert_to_numpy(warm(int(t)))) for t in steps]
    # Mapped, a schedule rounds in another place.
    assert values(warm, steps).tolist() == pytest.approx(wanted, abs=1e-7)
    if keras.backend.backend() != "torch":
        assert values_at_once(warm, steps) is not None


def test_a_planned_schedule_touches_nothing_between_steps() -> None:
    plans = []

    class Counted(keras_momentum.Momentum):
        def plan(self, name: str, values: Any, **how: Any) -> None:
            plans.append(len(values))
            super().plan("gamma", values, **how)

    ramp = keras_momentum.schedules.LinearRamp(steps=100)
    data = {"x": np.tile(fitting.X, (50, 1)), "y": np.tile(fitting.Y, (50, 1))}
    fit(compiled(Counted(RATE)), GammaScheduler(ramp, unit="step"), **data, epochs=2)
    assert plans == [1024]


@pytest.mark.parametrize("wrong", [None, 1.5, "0.9", float("nan")])
@pytest.mark.parametrize("unit", ["epoch", "step"])
def test_what_is_no_gamma_is_named(unit: str, wrong: Any) -> None:
    model = compiled(keras_momentum.Momentum(RATE))
    scheduler = GammaScheduler(lambda index, gamma: wrong, unit=unit)
    with pytest.raises(ValueError, match=rf"must return a float.*for {unit} 0"):
        fit(model, scheduler, epochs=1)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("schedule", 0.9), ("schedule", Picky), ("unit", "batch"), ("verbose", -1)],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    arguments = {"schedule": lambda epoch, gamma: gamma, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        GammaScheduler(**arguments)


def test_gamma_stays_when_the_last_epoch_is_over() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.8))
    fit(model, GammaScheduler(lambda epoch, gamma: 0.3), epochs=1)
    assert fitting.gamma_of(model) == pytest.approx(0.3)
