"""Weights that take no part in an update, or come late, are as if each was alone."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests import reference
from tests.optimizers.family import CASES, DIFFERENT, Case, Table
from tests.stepping import MODES, relative_error

# Three that TensorFlow packs, one of its own, one that it lets XLA compile.
SHAPES = [(3, 4), (5,), (), (70, 60), (150, 150)]
# Who takes part in each update; the last weight comes late.
TURNS = [
    {0, 1, 2, 3},
    {0, 1, 2, 3},
    {1},
    {0, 3},
    {0, 1, 2, 3, 4},
    {2, 4},
    {0, 1, 2, 3, 4},
    {0, 1, 2},
    {3, 4},
    {0, 1, 2, 3, 4},
]
# Asked for before updates in which not all take part, and in which all do.
RESTARTS = {3, 6, 7}
RNG = np.random.default_rng(3)
FIRST = [np.float32(RNG.normal(size=shape)) for shape in SHAPES]
GRADIENTS = [[np.float32(RNG.normal(size=shape)) for shape in SHAPES] for _ in TURNS]
GAMMAS = np.float32(RNG.uniform(0.1, 0.95, len(TURNS) + 1))


def stepper(optimizer: Any, weights: Sequence[Any], mode: str) -> Callable[..., None]:
    """Does an update of some weights, in a step compiled for just these."""
    compiled: dict[frozenset[int], Any] = {}

    def step(present: set[int], gradients: Sequence[Any]) -> None:
        given = [
            ops.convert_to_tensor(gradients[i]) if i in present else None
            for i in range(len(weights))
        ]
        key = frozenset(present)
        if mode == "eager":
            optimizer.apply(given, list(weights))
        elif keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            if key not in compiled:
                compiled[key] = tf.function(
                    lambda *g: optimizer.apply(_filled(g, present), list(weights)),
                    jit_compile=mode == "xla",
                )
            compiled[key](*[g for g in given if g is not None])
        else:
            import jax

            if key not in compiled:
                compiled[key] = jax.jit(optimizer.stateless_apply)
            new_weights, state = compiled[key](
                [v.value for v in optimizer.variables],
                given,
                [weight.value for weight in weights],
            )
            for variable, value in zip(
                [*weights, *optimizer.variables], [*new_weights, *state], strict=True
            ):
                variable.assign(value)

    return step


def _filled(gradients: Sequence[Any], present: set[int]) -> list[Any]:
    each = iter(gradients)
    return [next(each) if i in present else None for i in range(len(SHAPES))]


def alone(case: Case, index: int, gammas: Any) -> np.ndarray:
    """What the formula makes of a weight, in the updates in which it takes part."""
    turns = [t for t, present in enumerate(TURNS) if index in present]
    # What was asked for since the last of them holds for the next.
    since = [-1, *turns]
    restart = [any(since[n] < r <= t for r in RESTARTS) for n, t in enumerate(turns)]
    return case.weights(
        FIRST[index].astype(np.float64),
        [GRADIENTS[t][index].astype(np.float64) for t in turns],
        np.full(len(turns), np.float64(np.float32(0.01))),
        np.array([*gammas[turns], gammas[-1]], np.float64),
        np.array([*restart, False]),
        np.zeros(len(turns) + 1, bool),
    )


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize(
    ("name", "mode"),
    [
        (name, mode)
        for name in CASES
        # Whose weights of velocities follow the updates of the optimizer.
        if name != "AggMo-weights"
        for mode in MODES
        # Compiled steps differ by what each weight has of its own.
        if mode == "eager" or name in (*DIFFERENT, "MomentumAdam-nesterov")
    ],
)
def test_each_weight_follows_the_formula_of_its_own_updates(
    name: str, mode: str
) -> None:
    case = CASES[name]
    # Nesterov's Adam looks ahead to the beta_1 of the next update, whose it is or not.
    optimizer = case.make(0.01, Table(GAMMAS))
    gammas: Any = GAMMAS
    if name == "MomentumAdam-nesterov":
        optimizer, gammas = case.make(0.01, 0.75), np.full_like(GAMMAS, 0.75)
    weights = [keras.Variable(value.copy()) for value in FIRST]
    optimizer.build(weights)
    step = stepper(optimizer, weights, mode)
    for t, present in enumerate(TURNS):
        before = [ops.convert_to_numpy(weight).copy() for weight in weights]
        if t in RESTARTS:
            optimizer.restart()
        step(present, GRADIENTS[t])
        for i, (weight, value) in enumerate(zip(weights, before, strict=True)):
            if i not in present:
                np.testing.assert_array_equal(ops.convert_to_numpy(weight), value)
    if case.theta is not None:
        case = CASES[case.theta]  # θ goes where it does: the gradients are given.
        weights = [optimizer.iterate(weight) for weight in weights]
    for i, weight in enumerate(weights):
        assert relative_error(weight, alone(case, i, gammas)) < case.tolerance, i


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="JAX's steps are exact here too"
)
@pytest.mark.parametrize("make", [keras_momentum.NAG, keras_momentum.MomentumAdam])
def test_a_step_that_xla_compiled_before_weights_went_apart_is_not_silent(
    make: Any,
) -> None:
    import tensorflow as tf

    weights = [keras.Variable(1.0), keras.Variable(2.0)]
    optimizer = make(0.01)
    optimizer.build(weights)
    one = tf.constant(1.0)
    of_all = tf.function(
        lambda: optimizer.apply([one, one], list(weights)), jit_compile=True
    )
    of_all()
    optimizer.apply([one, None], list(weights))
    of_all()
    assert np.isnan([float(ops.convert_to_numpy(weight)) for weight in weights]).all()


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_theta_stays_where_a_weight_has_no_gradient() -> None:
    a, b = keras.Variable(1.0), keras.Variable(1.0)
    optimizer = keras_momentum.NAG(0.1, momentum=0.9, restart_every=2)
    optimizer.build([a, b])
    one = ops.convert_to_tensor(1.0)
    optimizer.apply([one, one], [a, b])
    theta = float(ops.convert_to_numpy(optimizer.iterate(a)))
    for _ in range(4):
        optimizer.apply([None, one], [a, b])
        assert float(ops.convert_to_numpy(optimizer.iterate(a))) == theta


def test_a_late_weight_begins_as_any_does() -> None:
    a, b = keras.Variable(0.0), keras.Variable(0.0)
    optimizer = keras_momentum.MomentumAdam(0.1)
    optimizer.build([a, b])
    three = ops.convert_to_tensor(3.0)
    for _ in range(100):
        optimizer.apply([three], [a])
    optimizer.apply([three, three], [a, b])
    assert float(ops.convert_to_numpy(b)) == pytest.approx(-0.1, rel=1e-5)
    expected = reference.adam(
        np.zeros(()),
        np.full(101, 3.0),
        np.full(101, 0.1),
        np.full(102, 0.9),
        np.zeros(102, bool),
    )
    assert relative_error(a, expected) < 1e-5
