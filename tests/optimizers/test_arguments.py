"""Wrong arguments are refused at once, with the name, the value and what is allowed."""

from typing import Any

import pytest

import keras_momentum

Momentum = keras_momentum.Momentum
RAMP = keras_momentum.schedules.LinearRamp(steps=10)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_momentum_outside_its_range(value: float) -> None:
    with pytest.raises(ValueError, match=r"`momentum`.*range \[0, 1\].*momentum="):
        Momentum(momentum=value)


@pytest.mark.parametrize("value", [1, "0.9", None, [0.9]])
def test_momentum_of_another_type(value: Any) -> None:
    with pytest.raises(ValueError, match="`momentum` must be a float.*Received"):
        Momentum(momentum=value)


@pytest.mark.parametrize("value", [0, -3, 1.5, True, "10"])
def test_restart_every_that_is_no_positive_integer(value: Any) -> None:
    with pytest.raises(ValueError, match="`restart_every`.*>= 1.*Received"):
        Momentum(restart_every=value)
    with pytest.raises(ValueError, match="`restart_every`.*>= 1.*Received"):
        Momentum().restart_every = value


def test_unknown_argument() -> None:
    with pytest.raises(ValueError, match="nesterov"):
        Momentum(nesterov=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["gamma", "momentum"])
def test_setting_gamma_to_what_is_no_coefficient(name: str) -> None:
    optimizer = Momentum(momentum=0.5)
    with pytest.raises(ValueError, match=r"`gamma`.*\[0, 1\].*1.5"):
        setattr(optimizer, name, 1.5)
    with pytest.raises(TypeError, match="constructor argument `momentum`"):
        setattr(optimizer, name, RAMP)
    assert float(optimizer.gamma) == 0.5


def test_gamma_of_a_schedule_cannot_be_set() -> None:
    optimizer = Momentum(momentum=RAMP)
    with pytest.raises(TypeError, match="LinearRamp"):
        optimizer.gamma = 0.5
    with pytest.raises(TypeError, match="LinearRamp"):
        optimizer.ramp_gamma(0.5, 0.9, steps=3)


@pytest.mark.parametrize(
    ("argument", "value"), [("initial", 2.0), ("final", 1), ("steps", 0)]
)
def test_ramp_of_gamma_with_a_wrong_argument(argument: str, value: Any) -> None:
    arguments = {"initial": 0.5, "final": 0.9, "steps": 10, argument: value}
    optimizer = Momentum(momentum=0.3)
    with pytest.raises(ValueError, match=f"`{argument}`"):
        optimizer.ramp_gamma(**arguments)
    assert float(optimizer.gamma) == pytest.approx(0.3)
