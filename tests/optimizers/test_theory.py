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
    x, advance = start(optimizer, eigenvalues)

    def run(steps: int) -> float:
        advance(steps)
        return float(np.linalg.norm(ops.convert_to_numpy(x)))

    return run


def start(
    optimizer: Any, eigenvalues: np.ndarray
) -> tuple[keras.Variable, Callable[[int], None]]:
    """x, which is ones, and a function that makes steps on ½ Σ λ x²."""
    x = keras.Variable(np.ones_like(eigenvalues), dtype="float64")
    optimizer.build([x])
    curvature = ops.convert_to_tensor(eigenvalues, "float64")
    return x, _advance(optimizer, x, curvature)


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


# Of which 1/κ are some.
EIGENVALUES = np.array([1.0, 0.3, 1e-1, 3e-2, 1e-2, 1e-3, 1e-4, 1e-5])


def iteration_matrix(
    gammas: np.ndarray, eigenvalue: float, nesterov: bool = False
) -> np.ndarray:
    """A step of AggMo with η = 1 on (θ, v⁽⁰⁾, …), as Lucas et al. (2019) have it."""
    share = 1 / len(gammas)
    # The gradient, at θ or at φ = θ − Σ γ⁽ⁱ⁾ v⁽ⁱ⁾ / K.
    gradient = eigenvalue * np.concatenate([[1.0], -share * gammas * nesterov])
    velocities = np.eye(len(gammas) + 1)[1:] * gammas[:, None] + gradient
    theta = np.eye(len(gammas) + 1)[0] - share * velocities.sum(axis=0)
    return np.vstack([theta, velocities])


@pytest.mark.parametrize("nesterov", [False, True], ids=["plain", "nesterov"])
@pytest.mark.parametrize(
    ("gamma", "count"), [(0.9, 3), (0.99, 3), (0.999, 3), (0.999, 4)]
)
def test_aggmo_has_the_rate_of_its_iteration_matrix(
    gamma: float, count: int, nesterov: bool
) -> None:
    optimizer = keras_momentum.AggMo(1.0, gamma, count, nesterov=nesterov)
    gammas = 1 - (1 - gamma) ** (np.arange(count) / (count - 1))
    x, advance = start(optimizer, EIGENVALUES)
    slowest, radii = [], []
    for eigenvalue in EIGENVALUES:
        values, vectors = np.linalg.eig(
            iteration_matrix(gammas, eigenvalue, nesterov).T
        )
        slowest.append(vectors[:, np.argmax(np.abs(values))])
        radii.append(np.abs(values).max())

    def error() -> np.ndarray:
        """The part of each (θ, v⁽⁰⁾, …) that dies last, without the oscillation."""
        slots = optimizer._slots.of(0)
        columns = [optimizer.iterate(x), *(slots[name] for name in optimizer.slots)]
        state = np.stack([ops.convert_to_numpy(each) for each in columns], axis=-1)
        return np.abs(np.sum(np.array(slowest) * state, axis=-1))

    advance(10)
    first = error()
    advance(100)
    rates = (error() / first) ** (1 / 100)
    for kappa in CONDITION_NUMBERS:
        in_range = 1 / kappa <= EIGENVALUES
        measured, expected = rates[in_range].max(), np.max(np.array(radii)[in_range])
        assert math.log(measured) == pytest.approx(math.log(expected), rel=1e-6)
        if gamma == 0.999:
            # That of heavy ball is √γ, as it oscillates.
            matrix = iteration_matrix(np.array([gamma]), 1 / kappa)
            alone = np.abs(np.linalg.eigvals(matrix)).max()
            assert alone == pytest.approx(math.sqrt(gamma))
            assert measured < alone


@pytest.mark.parametrize("count", [3, 4])
def test_aggmo_damps_the_oscillations_of_heavy_ball(count: int) -> None:
    eigenvalues = EIGENVALUES[EIGENVALUES >= 1e-3]

    def path(optimizer: Any) -> np.ndarray:
        x, advance = start(optimizer, eigenvalues)
        points = []
        for _ in range(1000):
            advance(1)
            points.append(ops.convert_to_numpy(x))
        return np.array(points)

    def swings(x: np.ndarray) -> int:
        """How often it is seen on the other side, not within a tenth of the start."""
        side = np.sign(x[np.abs(x) > 0.1])
        return int(np.sum(side[1:] != side[:-1]))

    aggregated = path(keras_momentum.AggMo(1.0, 0.999, count))
    alone = path(keras_momentum.Momentum(1.0, 0.999))
    assert np.abs(aggregated).max() < 1
    assert np.abs(aggregated[-200:]).max() < 0.1
    assert np.abs(alone[-200:]).max(axis=0).min() > 0.5
    for damped, swinging in zip(aggregated.T, alone.T, strict=True):
        assert swings(damped) <= 8 < swings(swinging)
