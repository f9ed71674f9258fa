"""What people do to an optimizer: attributes, numbers, state, huge gradients."""

import functools
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum.schedules import LinearRamp
from tests.optimizers.family import Case, family
from tests.stepping import MODES, stepper


def values(variables: list[Any]) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(each)) for each in variables]


# Attributes.


@family
@pytest.mark.parametrize("name", ["gamma", "momentum", "beta_1"])
def test_gamma_is_one_thing_under_each_of_its_names(case: Case, name: str) -> None:
    optimizer = case.make(0.1, 0.9)
    setattr(optimizer, name, 0.5)
    for each in ("gamma", "momentum", "beta_1"):
        assert float(getattr(optimizer, each)) == 0.5
    getattr(optimizer, name).assign(0.25)
    assert float(optimizer.gamma) == 0.25


@pytest.mark.parametrize(
    ("name", "hint"),
    [("momentun", "momentum"), ("lr", ""), ("learning_rat", "learning_rate")],
)
def test_an_attribute_that_there_is_not_is_refused(name: str, hint: str) -> None:
    optimizer = keras_momentum.Momentum(0.1)
    with pytest.raises(AttributeError, match=f"`{name}`.*{hint}.*Received: {name}=0.5"):
        setattr(optimizer, name, 0.5)


@pytest.mark.parametrize(
    "name", ["amsgrad", "nesterov", "reset_second_moment", "clipnorm", "use_ema"]
)
def test_a_constant_of_the_compiled_step_is_refused_once_it_is_built(name: str) -> None:
    optimizer = keras_momentum.MomentumAdam(0.1)
    optimizer.build([keras.Variable(1.0)])
    with pytest.raises(AttributeError, match=f"`{name}` of MomentumAdam.*constructor"):
        setattr(optimizer, name, 0.5)
    with pytest.raises(TypeError, match="constructor argument `learning_rate`"):
        optimizer.learning_rate = LinearRamp(steps=3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("restart_when", "gradient"),
        ("schedule_restarts", False),
        ("skip_nonfinite", True),
        ("velocity_dtype", "bfloat16"),
        ("restart_every", 9),
        ("amsgrad", True),
        ("nesterov", False),
        ("use_ema", False),
    ],
)
def test_what_was_given_can_be_read(name: str, expected: Any) -> None:
    optimizer = keras_momentum.MomentumAdam(
        restart_when="gradient",
        skip_nonfinite=True,
        velocity_dtype="bfloat16",
        restart_every=9,
        amsgrad=True,
    )
    assert getattr(optimizer, name) == expected
    if name in ("restart_when", "schedule_restarts", "skip_nonfinite"):
        with pytest.raises(AttributeError, match=f"`{name}`.*constructor"):
            setattr(optimizer, name, expected)


def test_a_subclass_may_have_attributes_of_its_own() -> None:
    class Mine(keras_momentum.Momentum):
        def __init__(self) -> None:
            super().__init__(0.1)
            self.mine = 3

    assert Mine().mine == 3
    with pytest.raises(AttributeError, match="`other`"):
        Mine().other = 1


def test_what_is_read_behaves_as_a_variable_does() -> None:
    gamma = keras_momentum.Momentum(0.1, 0.5).gamma
    assert float(gamma) == float(gamma.numpy()) == gamma.item() == 0.5
    assert float(ops.convert_to_numpy(ops.add(gamma, 1.0))) == 1.5
    assert float(ops.convert_to_numpy(ops.convert_to_tensor(gamma))) == 0.5
    assert float(1.0 - gamma) == 0.5
    assert float(2.0 * gamma + gamma / 2.0) == 1.25
    assert gamma < 0.6
    assert f"{gamma:.2f}" == "0.50"


# Numbers.


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, float])
def test_scalars_of_numpy_are_numbers(kind: Any) -> None:
    optimizer = keras_momentum.Momentum(kind(0.5), momentum=kind(0.5))
    assert float(optimizer.gamma) == 0.5
    optimizer.gamma = kind(0.25)
    optimizer.learning_rate = kind(0.25)
    assert float(optimizer.gamma) == 0.25
    ramp = LinearRamp(initial=kind(0.5), final=kind(0.75), steps=np.int64(2))  # type: ignore[arg-type]
    assert float(ops.convert_to_numpy(ramp(1))) == 0.625


@pytest.mark.usefixtures("float64_allowed")
def test_float64_stays_float64() -> None:
    keras.config.set_floatx("float64")
    optimizer = keras_momentum.Momentum(0.1, momentum=0.9)
    assert float(optimizer.gamma) == 0.9
    assert optimizer.get_config()["momentum"] == 0.9
    optimizer.gamma = 0.3
    assert float(optimizer.gamma) == 0.3
    optimizer.ramp("gamma", 0.1, 0.7, steps=3)
    assert float(optimizer.gamma) == 0.1


@pytest.mark.parametrize("count", [2**31, 2**40])
def test_counts_that_32_bits_do_not_hold_are_refused(count: int) -> None:
    optimizer = keras_momentum.Momentum(0.1)
    with pytest.raises(ValueError, match="`restart_every` must be at most 2147483647"):
        optimizer.restart_every = count
    with pytest.raises(ValueError, match="`steps` must be at most"):
        optimizer.ramp("gamma", 0.1, 0.2, steps=count)
    with pytest.raises(ValueError, match="`steps` must be at most"):
        LinearRamp(steps=count)


# Ranges.


@pytest.mark.parametrize("steps", [10, 1000, 10**6])
def test_a_schedule_that_leaves_its_range_later_is_named(steps: int) -> None:
    leaves = LinearRamp(initial=0.5, final=1.5, steps=steps)
    with pytest.raises(
        ValueError, match=r"`momentum`.*\[0, 1\].*returns 1\..* at step"
    ):
        keras_momentum.Momentum(0.1, momentum=leaves)


def test_a_callable_that_leaves_its_range_is_clipped_and_named_once() -> None:
    optimizer = keras_momentum.Momentum(0.1, momentum=lambda: 1.5)
    weight = keras.Variable(0.0)
    for _ in range(3):
        optimizer.apply([ops.convert_to_tensor(1.0)], [weight])
    # With a gamma of 1: velocities 0.1, 0.2, 0.3.
    assert float(ops.convert_to_numpy(weight)) == pytest.approx(-0.6)
    with pytest.warns(
        UserWarning, match=r"`momentum` has left the range \[0, 1\] in 3"
    ):
        assert float(ops.convert_to_numpy(optimizer.gamma)) == 1.0
    assert float(ops.convert_to_numpy(optimizer.gamma)) == 1.0  # Without a warning.


# State.


@family
def test_state_is_listed_weight_by_weight_under_the_same_paths(case: Case) -> None:
    """So a tree or a list of values of one backend fits another."""
    weights = [
        keras.Variable(np.ones(shape), name=f"w{n}")
        for n, shape in enumerate([(3, 2), (4,), (150, 150)])
    ]
    optimizer = case.make(0.1, 0.9, name="mine")
    optimizer.build(weights)
    for name in optimizer.velocities:
        kept = {f"mine/w{n}_{name}": tuple(w.shape) for n, w in enumerate(weights)}
        slots = {v.path: tuple(v.shape) for v in optimizer.variables if v.path in kept}
        assert list(slots.items()) == list(kept.items())
    for _ in range(2):
        optimizer.apply([ops.ones(w.shape) for w in weights], weights)
    twin = case.make(0.1, 0.5, name="mine")
    twin.build(weights)
    twin.set_weights(values(optimizer.variables))
    for one, other in zip(
        values(optimizer.variables), values(twin.variables), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert float(twin.gamma) == pytest.approx(0.9)


def test_a_state_tree_comes_back() -> None:
    def model() -> keras.Model:
        layers = [keras.Input((3,)), keras.layers.Dense(4, name="a")]
        made = keras.Sequential([*layers, keras.layers.Dense(1, name="b")], name="m")
        made.compile(keras_momentum.NAG(0.01, name="nag"), "mse")
        return made

    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    first, second = model(), model()
    first.fit(x, y, verbose=0)
    second.optimizer.build(second.trainable_variables)
    second.set_state_tree(first.get_state_tree("numpy_array"))
    assert first.fit(x, y, verbose=0).history == second.fit(x, y, verbose=0).history


@pytest.mark.parametrize("wrong", ["fewer", "shape"])
def test_values_that_do_not_fit_change_nothing(wrong: str) -> None:
    weights = [keras.Variable(np.ones(3)), keras.Variable(np.ones(2))]
    optimizer = keras_momentum.Momentum(0.1)
    optimizer.build(weights)
    before = values(optimizer.variables)
    given = [each + 1 for each in before]
    given = given[:-1] if wrong == "fewer" else [*given[:-1], np.ones(7)]
    with pytest.raises(ValueError, match="`weights` must have"):
        optimizer.set_weights(given)
    for one, other in zip(values(optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(one, other)


# Gradients that are finite and too large.

SQUARING = [
    keras_momentum.MomentumAdam,
    functools.partial(keras_momentum.MomentumAdam, amsgrad=True),
    keras_momentum.MomentumRMSprop,
    functools.partial(keras_momentum.MomentumRMSprop, centered=True),
]
squaring = pytest.mark.parametrize(
    "make", SQUARING, ids=["Adam", "Adam-amsgrad", "RMSprop", "RMSprop-centered"]
)


@squaring
@pytest.mark.parametrize("size", [1e19, 1e20, 1e25, 3e38])
def test_no_gradient_makes_a_second_moment_infinite(make: Any, size: float) -> None:
    weights = [keras.Variable([1.0, 1.0]), keras.Variable([1.0])]
    optimizer = make(0.1)
    step = stepper(optimizer, weights, MODES[-1])
    for gradient in ([1.0, size], [1.0, 1.0]):
        step(np.array(gradient, "float32"), np.ones(1, "float32"))
    moments = [v for v in optimizer.variables if v.path.endswith(("moment", "maximum"))]
    assert moments
    for value in values(moments):
        assert np.isfinite(value).all()


def test_adam_follows_its_formula_where_the_square_is_too_large() -> None:
    weight = keras.Variable([0.0])
    optimizer = keras_momentum.MomentumAdam(0.1)
    optimizer.apply([ops.convert_to_tensor(np.array([1e20], "float32"))], [weight])
    assert float(ops.convert_to_numpy(weight)[0]) == pytest.approx(-0.1, rel=1e-5)


@squaring
@pytest.mark.parametrize("mode", MODES)
def test_a_step_that_can_not_be_squared_is_skipped_and_counted(
    make: Any, mode: str
) -> None:
    weights = [keras.Variable([1.0, 1.0])]
    optimizer = make(0.1, skip_nonfinite=True)
    step = stepper(optimizer, weights, mode)
    step(np.array([1.0, 1.0], "float32"))
    before = values([*weights, *optimizer.variables])
    step(np.array([1.0, 1e25], "float32"))
    assert optimizer.skipped_steps == 1
    optimizer._control["skipped_steps"] = 0
    for one, other in zip(
        values([*weights, *optimizer.variables]), before, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_centered_rmsprop_stays_a_number_for_a_constant_gradient() -> None:
    """The variance is 0, and its rounding may be below."""
    weight = keras.Variable([0.0])
    optimizer = keras_momentum.MomentumRMSprop(0.001, centered=True)
    step = stepper(optimizer, [weight], MODES[-1])
    for _ in range(100):
        step(np.array([1000.0], "float32"))
    assert np.isfinite(ops.convert_to_numpy(weight)).all()


def test_nag_leaves_what_a_constraint_allows() -> None:
    weight = keras.Variable(np.ones((3, 2), "float32"))
    weight.constraint = keras.constraints.UnitNorm()
    optimizer = keras_momentum.NAG(0.1, 0.9)
    for _ in range(3):
        optimizer.apply([ops.ones((3, 2))], [weight])
    for point in (weight, optimizer.iterate(weight)):
        norms = np.linalg.norm(ops.convert_to_numpy(point), axis=0)
        np.testing.assert_allclose(norms, 1.0, rtol=1e-5)
