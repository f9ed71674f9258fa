"""Wrong arguments are refused at once, with the name, the value and what is allowed."""

from typing import Any

import keras
import pytest

import keras_momentum
from tests.optimizers.family import OURS

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
        optimizer.ramp("gamma", 0.5, 0.9, steps=3)


@pytest.mark.parametrize(
    ("argument", "value"), [("initial", 2.0), ("final", 1), ("steps", 0)]
)
def test_ramp_of_gamma_with_a_wrong_argument(argument: str, value: Any) -> None:
    arguments = {"initial": 0.5, "final": 0.9, "steps": 10, argument: value}
    optimizer = Momentum(momentum=0.3)
    with pytest.raises(ValueError, match=f"`{argument}`"):
        optimizer.ramp("gamma", **arguments)
    assert float(optimizer.gamma) == pytest.approx(0.3)


FAMILY = [
    *("Momentum", "NAG", "MomentumAdam", "MomentumRMSprop"),
    *("AggMo", "Muon", "AdEMAMix"),
]


def test_the_family_is_complete() -> None:
    assert set(FAMILY) == set(OURS)


class Vector(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that is none: it returns a vector."""

    def __call__(self, step: Any) -> Any:
        return keras.ops.zeros(3)


@pytest.mark.parametrize("optimizer", FAMILY)
@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("gamma", -0.1, r"\[0, 1\]"),
        ("gamma", float("nan"), r"\[0, 1\]"),
        ("gamma", 1, "must be a float"),
        ("gamma", "0.9", "must be a float"),
        ("gamma", Vector(), "returns a scalar"),
        ("gamma", keras.optimizers.schedules.CosineDecay(1.5, 9), r"\[0, 1\].* 1.5 at"),
        ("gamma", keras_momentum.schedules.NesterovSequence, "must be a float"),
        ("gamma", lambda step: 0.5, "callable that takes no arguments"),
        ("learning_rate", 1, "should be float"),
        ("restart_every", 0, ">= 1"),
        ("restart_when", "loss", '`None` or "gradient"'),
        ("schedule_restarts", True, "LearningRateSchedule"),
        ("schedule_restarts", "yes", "must be a boolean"),
        ("velocity_dtype", "int8", "bfloat16"),
        ("velocity_dtype", "half a float", "bfloat16"),
        ("skip_nonfinite", 1, "must be a boolean"),
    ],
)
def test_argument_of_every_optimizer(
    optimizer: str, argument: str, value: Any, allowed: str
) -> None:
    make = getattr(keras_momentum, optimizer)
    name = make.gamma_argument if argument == "gamma" else argument
    with pytest.raises(ValueError, match=f"`{name}`.*{allowed}"):
        make(**{name: value})


@pytest.mark.parametrize(
    ("optimizer", "argument", "value", "allowed"),
    [
        ("MomentumAdam", "beta_2", 1.0, r"\[0, 1\)"),
        ("MomentumAdam", "beta_2", 1, r"\[0, 1\)"),
        ("MomentumAdam", "epsilon", 0.0, "> 0"),
        ("MomentumAdam", "nesterov", None, "boolean"),
        ("MomentumAdam", "amsgrad", "no", "boolean"),
        ("MomentumAdam", "reset_second_moment", 1, "boolean"),
        ("MomentumRMSprop", "rho", -0.5, r"\[0, 1\)"),
        ("MomentumRMSprop", "epsilon", float("nan"), "> 0"),
        ("MomentumRMSprop", "centered", 0, "boolean"),
        ("AggMo", "count", 0, ">= 1"),
        ("AggMo", "count", 2.0, ">= 1"),
        ("AggMo", "weights", [0.5, 0.5], "3"),
        ("AggMo", "weights", [0.5, 0.5, float("nan")], ""),
        ("AggMo", "weights", 0.5, ""),
        ("AggMo", "nesterov", 1, "boolean"),
        ("Muon", "nesterov", None, "boolean"),
        ("Muon", "ns_steps", 0.5, ">= "),
        ("Muon", "ns_coefficients", (1.0, 2.0), ""),
        ("Muon", "rms_rate", "1", ""),
        ("Muon", "exclude", "(", ""),
        ("Muon", "exclude_embeddings", 1, "boolean"),
        ("Muon", "adam_lr_ratio", -1.0, ""),
        ("Muon", "adam_beta_1", 1.5, r"\[0, 1"),
        ("Muon", "adam_beta_2", 1.0, r"\[0, 1\)"),
        ("Muon", "epsilon", 0.0, "> 0"),
        ("AdEMAMix", "beta_2", 1.0, r"\[0, 1\)"),
        ("AdEMAMix", "beta_3", 1.5, r"\[0, 1"),
        ("AdEMAMix", "alpha", float("inf"), ""),
        ("AdEMAMix", "epsilon", -1.0, "> 0"),
    ],
)
def test_argument_of_one_optimizer(
    optimizer: str, argument: str, value: Any, allowed: str
) -> None:
    with pytest.raises(ValueError, match=f"`{argument}.*{allowed}.*Received"):
        getattr(keras_momentum, optimizer)(**{argument: value})


def test_velocity_before_the_optimizer_is_built() -> None:
    with pytest.raises(ValueError, match="must be built"):
        keras_momentum.NAG().velocity(keras.Variable(1.0))
    with pytest.raises(ValueError, match="must be built"):
        keras_momentum.NAG().velocity_norm()
