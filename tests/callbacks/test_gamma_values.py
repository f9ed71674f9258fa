"""Schedules that leave [0, 1], and what counts as a number."""

from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaScheduler
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit, gamma_of

EPOCHS = 3
LAST = EPOCHS * BATCHES - 1


class Leaves(keras.optimizers.schedules.LearningRateSchedule):
    """Outside of [0, 1] from a step on; for an array of steps or for one only."""

    def __init__(self, at: int, value: float = 2.0, at_once: bool = True):
        self.at, self.value, self.at_once = at, value, at_once

    def __call__(self, step: Any) -> Any:
        if self.at_once:
            return np.where(np.asarray(step) >= self.at, self.value, 0.5)
        return self.value if step >= self.at else 0.5


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("at", [LAST + 1, LAST + 2, LAST + 500])
@pytest.mark.parametrize("value", [2.0, -0.1, float("nan")])
def test_what_lies_behind_the_run_does_not_matter(
    at: int, at_once: bool, value: float
) -> None:
    if value != 2.0 and at != LAST + 1:
        pytest.skip("one of each kind")
    model = compiled(keras_momentum.NAG(RATE, 0.9))
    scheduler = GammaScheduler(Leaves(at, value, at_once), unit="step")
    fit(model, scheduler, epochs=EPOCHS)
    assert gamma_of(model) == pytest.approx(0.5)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("at", [0, 1, BATCHES, LAST])
def test_what_lies_within_the_run_is_named_before_it(at: int, at_once: bool) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.9))
    scheduler = GammaScheduler(Leaves(at, at_once=at_once), unit="step")
    named = rf"`schedule` of GammaScheduler.* 2\.0 for step {at}, from .*Leaves"
    with pytest.raises(ValueError, match=named):
        fit(model, scheduler, epochs=EPOCHS)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()


def test_a_late_step_of_a_long_run_is_named_before_it() -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.9))
    with pytest.raises(ValueError, match="for step 99999,"):
        fit(model, GammaScheduler(Leaves(99_999), unit="step"), epochs=25_000)


def test_accumulated_gradients_make_fewer_steps() -> None:
    optimizer = keras_momentum.NAG(RATE, 0.9, gradient_accumulation_steps=2)
    scheduler = GammaScheduler(Leaves(LAST // 2 + 1), unit="step")
    fit(compiled(optimizer), scheduler, epochs=EPOCHS)


def test_epochs_of_a_schedule_are_looked_at_before_the_run() -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.9))
    with pytest.raises(ValueError, match=r"2\.0.* for epoch 2"):
        fit(model, GammaScheduler(Leaves(2)), epochs=EPOCHS)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()
    fit(model, GammaScheduler(Leaves(3)), epochs=EPOCHS)


def test_in_a_run_of_unknown_length_the_last_value_stays() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.9))
    scheduler = GammaScheduler(Leaves(6), unit="step")
    with pytest.warns(UserWarning, match=r"Leaves, left \[0, 1\] at step 6") as caught:
        fit(model, scheduler, **fitting.unknown_length(), epochs=4)
    assert sum("left [0, 1]" in str(each.message) for each in caught) == 1
    assert gamma_of(model) == pytest.approx(0.5)


NUMBERS: list[Any] = [
    1,
    0,
    0.5,
    np.float32(0.5),
    np.float64(0.5),
    np.float16(0.5),
    np.int64(1),
    np.array(0.5),
    ml_dtypes.bfloat16(0.5),
    1.0 + 1e-8,
]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: type(value).__name__)
def test_numbers_of_any_kind_are_numbers(value: Any) -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.9))
    fit(model, GammaScheduler(lambda epoch, gamma: value), epochs=1)
    assert gamma_of(model) == pytest.approx(float(value))


def test_a_tensor_is_a_number() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.9))
    half = keras.ops.convert_to_tensor(0.5)
    fit(model, GammaScheduler(lambda epoch, gamma: half), epochs=1)
    assert gamma_of(model) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "value",
    [True, False, np.bool_(True), np.array(True), "1", b"1", None, [0.5], object(),
     np.array([0.5]), np.float32(1.5), -1, float("inf")],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)  # fmt: skip
def test_what_is_none_is_named(value: Any) -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.9))
    scheduler = GammaScheduler(lambda epoch, gamma: value)
    with pytest.raises(ValueError, match=r"must return a float.*for epoch 0"):
        fit(model, scheduler, epochs=1)
