"""On quadratics the optimizers converge as fast as theory says, in float64.

A rate is the factor by which the error shrinks in one step. Rates are compared by their
logarithms, since near 1 a hundred times slower is "within 2 %" as well.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum.schedules import NesterovSequence

CONDITION_NUMBERS = [10.0, 1e3, 1e5]


@pytest.fixture(autouse=True)
def _float64(float64_allowed: None) -> None:
    """Weights, learning rates and gammas in float64."""
    keras.config.set_floatx("float64")


def runner(optimizer: Any, eigenvalues: np.ndarray) -> Callable[[int], float]:
    """A function that makes steps on ½ Σ λ x² and returns |x|; x starts at ones."""
    x = keras.Variable(np.ones_like(eigenvalues), dtype="float64")
    optimizer.build([x])
    curvature = ops.convert_to_tensor(eigenvalues, "float64")
    advance = _advance(optimizer, x, curvature)

    def run(steps: int) -> float:
        advance(steps)
        return float(np.linalg.norm(ops.convert_to_numpy(x)))

    return run


def _advance(optimizer: Any, x: Any, curvature: Any) -> Callable[[int], None]:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def loop(steps: Any) -> None:
            for _ in tf.range(steps):
                optimizer.apply([curvature * x.value], [x])

        return lambda steps: loop(tf.constant(steps))
    if keras.backend.backend() == "jax":
        import jax

        @jax.jit
        def loop_of(steps: Any, weights: Any, state: Any) -> Any:
            def body(_: Any, carry: Any) -> Any:
                (value,), state = carry
                return optimizer.stateless_apply(state, [curvature * value], [value])

            return jax.lax.fori_loop(0, steps, body, (weights, state))

        def advance(steps: int) -> None:
            state = [variable.value for variable in optimizer.variables]
            weights, state = loop_of(steps, [x.value], state)
            x.assign(weights[0])
            for variable, value in zip(optimizer.variables, state, strict=True):
                variable.assign(value)

        return advance

    def advance_eagerly(steps: int) -> None:
        for _ in range(steps):
            optimizer.apply([curvature * x.value], [x])

    return advance_eagerly


def log_rate(optimizer: Any, kappa: float, first: int, last: int) -> float:
    """The logarithm of the mean rate from the step `first` to `last`; L = 1."""
    run = runner(optimizer, np.array([1.0, 1 / math.sqrt(kappa), 1 / kappa]))
    error = run(first)
    return math.log(run(last - first) / error) / (last - first)


def check(optimizer: Any, kappa: float, rate: float) -> None:
    """From 10 to 40 times the steps in which the error shrinks by e.

    Both methods have a double root, with errors like t · rate^t; t is divided out.
    """
    time = -1 / math.log(rate)
    first, last = math.ceil(10 * time), math.ceil(40 * time)
    measured = log_rate(optimizer, kappa, first, last)
    measured -= math.log(last / first) / (last - first)
    assert measured == pytest.approx(math.log(rate), rel=0.02)


@pytest.mark.parametrize("kappa", CONDITION_NUMBERS)
def test_heavy_ball_with_optimal_coefficients(kappa: float) -> None:
    root = math.sqrt(kappa)
    rate = (root - 1) / (root + 1)
    eta = (2 / (1 + 1 / root)) ** 2
    check(keras_momentum.Momentum(eta, rate**2), kappa, rate)


@pytest.mark.parametrize("kappa", CONDITION_NUMBERS)
def test_nag_for_strong_convexity(kappa: float) -> None:
    root = math.sqrt(kappa)
    optimizer = keras_momentum.NAG(1.0, (root - 1) / (root + 1))
    check(optimizer, kappa, 1 - 1 / root)


@pytest.mark.parametrize("kappa", CONDITION_NUMBERS)
def test_gradient_descent_is_slow(kappa: float) -> None:
    optimizer = keras_momentum.Momentum(2 / (1 + 1 / kappa), 0.0)
    # The eigenvalues between the ends are gone after 10 √κ steps.
    first = math.ceil(10 * math.sqrt(kappa))
    measured = log_rate(optimizer, kappa, first, first + 1000)
    assert measured == pytest.approx(math.log((kappa - 1) / (kappa + 1)), rel=0.02)


@pytest.mark.parametrize("kappa", CONDITION_NUMBERS)
def test_gradient_restart_recovers_a_linear_rate_without_kappa(kappa: float) -> None:
    sequence = NesterovSequence(maximum=1.0)
    restarted = keras_momentum.NAG(
        1.0, sequence, restart_when="gradient", schedule_restarts=True
    )
    eigenvalues = np.array([1.0, 1 / kappa])
    block = 10 * math.ceil(math.sqrt(kappa))
    run = runner(restarted, eigenvalues)
    errors = [run(block) for _ in range(5)]
    run_alone = runner(keras_momentum.NAG(1.0, sequence), eigenvalues)
    alone = [run_alone(block // 10) for _ in range(50)]
    # Alone the iterates oscillate, and the error falls like t^−1.5 (1 − 1/κ)^(t/2): no
    # better with κ than that of gradient descent.
    assert sum(b > a for a, b in itertools.pairwise(alone)) > 10
    steps = 25 * (block // 10)
    assert math.log(alone[24] / alone[49]) < 1.5 * math.log(2) + steps / kappa / 2 + 1
    # With restarts each block of steps brings about the same factor, at least the root
    # of that of the gamma which is chosen with κ.
    logs = -np.diff(np.log(errors))
    assert logs.min() > block / math.sqrt(kappa) / 2
    assert logs.max() < 2.5 * logs.min()
    assert errors[-1] < 1e-20 * alone[-1]
