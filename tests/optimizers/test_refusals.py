"""What would be wrong in silence is refused, with what to do instead."""

import contextlib
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum.optimizers import MomentumOptimizer, Moving, MovingDecay
from tests.stepping import MODES, stepper


def tensor(value: float) -> Any:
    return ops.convert_to_tensor(np.float32(value))


@pytest.mark.parametrize("kind", [tensor, keras.Variable, np.float32])
@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("gamma", 1.5, 0.5),
        ("beta_2", float("nan"), 0.5),
        ("weight_decay", -1.0, 0.5),
        ("epsilon", 0.0, 0.5),
    ],
)
def test_bounds_hold_for_whatever_is_a_number(
    kind: Any, name: str, wrong: float, right: float
) -> None:
    optimizer = keras_momentum.MomentumAdam(0.1, weight_decay=0.0)
    setattr(optimizer, name, kind(right))
    with pytest.raises(ValueError, match=f"`{name}`.*Received"):
        setattr(optimizer, name, kind(wrong))
    assert float(getattr(optimizer, name)) == right


def test_a_value_that_is_refused_leaves_no_decay_where_there_was_none() -> None:
    optimizer = keras_momentum.Momentum(0.1)
    with pytest.raises(ValueError, match="`weight_decay`"):
        optimizer.weight_decay = -1.0
    assert optimizer.weight_decay is None
    assert optimizer.get_config()["weight_decay"] is None


@pytest.mark.parametrize(
    "name", ["kept", "downhill", "apart", "next_gamma", "one_minus_gamma"]
)
def test_no_hyperparameter_takes_the_name_of_a_scalar(name: str) -> None:
    with pytest.raises(TypeError, match=f"Mine can't have .*`{name}`"):
        type("Mine", (MomentumOptimizer,), {name: Moving("[0, 1]", "A share.")})


class Decaying(MomentumOptimizer):
    """Gradient descent with a decay of its own for what is no bias."""

    kernel_decay = MovingDecay("[0, inf)", "That of kernels.")
    named = "kernel_decay"

    def __init__(self, learning_rate: float, kernel_decay: Any):
        super().__init__(learning_rate, 0.0, {"kernel_decay": kernel_decay})

    def update(self, gradient: Any, slots: Any, step: Any) -> Any:
        return step.learning_rate * gradient, {"velocity": slots.velocity}

    def kind(self, weight: Any) -> str:
        return "bias" if "bias" in weight.path else "kernel"

    def weight_decay_of(self, kind: Any) -> str:
        return "weight_decay" if kind == "bias" else self.named


@pytest.mark.parametrize("mode", MODES)
def test_a_decay_of_ones_own_decays(mode: str) -> None:
    weights = [keras.Variable(2.0, name=name) for name in ("kernel", "bias")]
    optimizer = Decaying(0.5, 0.1)
    step = stepper(optimizer, weights, mode)
    for value in (0.1, 0.2):
        optimizer.kernel_decay = value
        step(np.float32(0.0), np.float32(0.0))
    found = [float(ops.convert_to_numpy(weight)) for weight in weights]
    assert found == pytest.approx([2.0 * 0.95 * 0.9, 2.0])


def test_a_decay_that_there_is_not_is_refused() -> None:
    class Mistyped(Decaying):
        named = "kernal_decay"

    with pytest.raises(TypeError, match="`weight_decay_of`.*MovingDecay.*kernal_decay"):
        Mistyped(0.5, 0.1).build([keras.Variable(2.0, name="kernel")])


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (keras_momentum.AggMo, "count", 2),
        (keras_momentum.AggMo, "nesterov", True),
        (keras_momentum.Muon, "exclude", "dense"),
        (keras_momentum.Muon, "ns_steps", 0),
        (keras_momentum.Muon, "rms_rate", -1.0),
        (keras_momentum.MomentumAdam, "amsgrad", True),
        (keras_momentum.MomentumRMSprop, "centered", True),
    ],
)
def test_what_a_formula_is_made_of_stays(make: Any, name: str, value: Any) -> None:
    with pytest.raises(AttributeError, match=f"`{name}`.*constructor.*Received"):
        setattr(make(), name, value)


@pytest.mark.parametrize("value", [0.0, 1e-46, 1e-38, float("inf")])
def test_an_epsilon_that_a_float32_has_no_digits_for(value: float) -> None:
    with pytest.raises(ValueError, match="`epsilon`.*> 0"):
        keras_momentum.MomentumAdam(epsilon=value)


def test_a_ramp_next_to_1_stays_below_it() -> None:
    """With a beta_2 of 1 the second moment of a late weight would be 0 / 0."""
    weights = [keras.Variable([1.0]), keras.Variable([1.0])]
    optimizer = keras_momentum.MomentumAdam(0.1, beta_2=0.9)
    optimizer.build(weights)
    optimizer.ramp("beta_2", 0.9, 1 - 1e-9, steps=2)
    for t in range(6):
        late = weights if t > 3 else weights[:1]
        optimizer.apply([ops.ones(1) for _ in late], late)
    for weight in weights:
        assert np.isfinite(ops.convert_to_numpy(weight)).all()


@pytest.mark.parametrize(
    ("argument", "value", "allowed"),
    [
        ("beta_1", 0, r"\[0, 1\)"),
        ("beta_3", 1.0, r"\[0, 1\)"),
        ("alpha", -1.0, ">= 0"),
        ("steps", 0, ">= 1"),
    ],
)
def test_a_warmup_names_what_was_given(argument: str, value: Any, allowed: str) -> None:
    given: dict[str, Any] = {"steps": 10, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}`.*{allowed}.*Received"):
        keras_momentum.AdEMAMix.with_warmup(**given)


@pytest.mark.parametrize("values", [0.5, None, "0.5"])
def test_a_plan_is_a_sequence(values: Any) -> None:
    with pytest.raises(ValueError, match="`values` must be a sequence.*Received"):
        keras_momentum.Momentum(0.1).plan("gamma", values)


@pytest.mark.parametrize(
    ("shape", "name", "matrix"),
    [
        ((4, 3), "dense/kernel", (4, 3)),
        ((2, 3), "attention/query/bias", (2, 3)),  # As in Keras.
        ((8, 4), "token_embedding/embeddings", None),
        ((5,), "dense/bias", None),
        ((0, 5), "dense/kernel", None),
        ((3, 3, 2, 5), "conv/kernel", (18, 5)),
        ((3, 3, 6, 1), "depthwise/kernel", None),
        ((6, 2, 3), "attention/query/kernel", (6, 6)),
        ((2, 3, 6), "attention/attention_output/kernel", (6, 6)),
        ((2, 5, 4), "normalization/gamma", None),
        ((4, 3), "head/kernel", None),
    ],
)
def test_what_is_a_matrix_to_muon(shape: Any, name: str, matrix: Any) -> None:
    *scopes, last = name.split("/")
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        weight = keras.Variable(np.zeros(shape), name=last)
    assert keras_momentum.Muon(exclude=["head"]).kind(weight) == matrix


@pytest.mark.parametrize("gamma", [0.5, 0.99, 1.0])
def test_the_effective_rate_of_aggmo(gamma: float) -> None:
    optimizer = keras_momentum.AggMo(0.1, gamma, count=2, weights=[0.75, 0.25])
    expected = 0.1 * (0.75 + 0.25 / (1 - gamma)) if gamma < 1 else np.inf
    assert optimizer.effective_learning_rate == pytest.approx(expected, rel=1e-5)
    optimizer.weights = [1.0, 0.0]
    assert optimizer.effective_learning_rate == pytest.approx(0.1)
