"""All optimizers against their formulas in float64, in each way a step can run."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests import reference
from tests.optimizers.family import CASES, PLAIN, Case, Table, family
from tests.stepping import MODES, relative_error, stepper

STEPS = 24
# Small ones, which are packed; one that is not; one that is compiled.
SHAPES = [(3, 4), (5,), (), (0, 2), (130, 130), (150, 150)]
TOLERANCE = 1e-5

modes = pytest.mark.parametrize("mode", MODES)
# A graph is traced as XLA's programs are; one of each class is enough.
IN_MODES = [(n, m) for n in CASES for m in MODES if m != "graph" or n in PLAIN]
cases_in_modes = pytest.mark.parametrize(
    ("case", "mode"),
    [(CASES[name], mode) for name, mode in IN_MODES],
    ids=["-".join(each) for each in IN_MODES],
)
RNG = np.random.default_rng(7)
FIRST = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]
GRADIENTS = [
    [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES] for _ in range(5)
]
GAMMAS = RNG.uniform(0.0, 0.99, STEPS + 1).astype(np.float32)


def run(optimizer: Any, mode: str, before_step: Any = None) -> list[Any]:
    variables = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(optimizer, variables, mode)
    for t in range(STEPS):
        if before_step:
            before_step(t)
        step(*GRADIENTS[t % 5])
    return variables


def check(
    case: Case,
    variables: list[Any],
    gammas: Any,
    restart: Any,
    planned: Any,
    tolerance: float | None = None,
) -> None:
    eta = np.full(STEPS, np.float32(0.01), np.float64)
    for i, (variable, first) in enumerate(zip(variables, FIRST, strict=True)):
        if first.size == 0:
            continue
        g = [GRADIENTS[t % 5][i].astype(np.float64) for t in range(STEPS)]
        expected = case.weights(
            first.astype(np.float64), g, eta, gammas.astype(float), restart, planned
        )
        assert relative_error(variable, expected) < (tolerance or case.tolerance)


@cases_in_modes
def test_schedule_with_restarts_follows_the_formula(case: Case, mode: str) -> None:
    optimizer = case.make(0.01, Table(GAMMAS), restart_every=7)
    requested = [0, 3, 14, 15, 20]

    def restart(t: int) -> None:
        if t in requested:
            optimizer.restart()

    variables = run(optimizer, mode, restart)
    planned = reference.restarts(STEPS + 1, every=7)
    every = reference.restarts(STEPS + 1, every=7, at=requested)
    check(case, variables, GAMMAS, every, planned)


@cases_in_modes
def test_ramp_in_the_step_follows_the_formula(case: Case, mode: str) -> None:
    optimizer = case.make(0.01, 0.9)
    optimizer.ramp("gamma", 0.2, 0.95, steps=14, begin=5)
    gammas = np.array(
        [reference.linear_ramp(t - 5, 0.2, 0.95, 14) for t in range(STEPS + 1)]
    )
    never = reference.restarts(STEPS + 1)
    check(case, run(optimizer, mode), gammas, never, never)


@pytest.mark.parametrize("name", ["NAG", "AggMo-nesterov"])
@modes
def test_theta_is_exact_when_gamma_is_set_between_steps(name: str, mode: str) -> None:
    optimizer: Any = CASES[name].make(0.01, 0.5)

    def set_gamma(t: int) -> None:
        optimizer.gamma = GAMMAS[t]

    variables = run(optimizer, mode, set_gamma)
    # θ does not depend on how far a step looked ahead, as the gradients are given.
    never = reference.restarts(STEPS + 1)
    thetas = [optimizer.iterate(variable) for variable in variables]
    check(CASES[CASES[name].theta or name], thetas, GAMMAS, never, never)


@family
def test_velocity_is_the_same_packed_and_alone(case: Case) -> None:
    optimizer = case.make(0.01, 0.9)
    variables = run(optimizer, MODES[0])
    alone = case.make(0.01, 0.9)
    (variable,) = [keras.Variable(FIRST[0].copy())]
    for t in range(STEPS):
        alone.apply([ops.convert_to_tensor(GRADIENTS[t % 5][0])], [variable])
    np.testing.assert_allclose(
        ops.convert_to_numpy(optimizer.velocity(variables[0])),
        ops.convert_to_numpy(alone.velocity(variable)),
        rtol=1e-4,
        atol=1e-6,
    )
    total = sum(
        float(np.sum(ops.convert_to_numpy(optimizer.velocity(v)).astype(float) ** 2))
        for v in variables
    )
    assert float(optimizer.velocity_norm()) == pytest.approx(total**0.5, rel=1e-5)


def test_velocity_of_momentum_is_that_of_the_formula() -> None:
    optimizer = keras_momentum.Momentum(0.01, Table(GAMMAS))
    variables = run(optimizer, MODES[-1])
    _, velocities = reference.momentum(
        FIRST[0],
        lambda t, _: GRADIENTS[t % 5][0].astype(np.float64),
        np.full(STEPS, np.float32(0.01), np.float64),
        GAMMAS[:-1].astype(float),
    )
    assert relative_error(optimizer.velocity(variables[0]), velocities[-1]) < 1e-5


@pytest.mark.parametrize("nesterov", [False, True])
def test_adam_with_a_beta_1_of_1_averages_all_gradients_since_a_restart(
    nesterov: bool,
) -> None:
    """The limit of the formula, in which 1 − beta_1 cancels."""
    gradients = np.array([1.0, 2.0, 6.0, 5.0, 1.0])
    optimizer = keras_momentum.MomentumAdam(
        0.01, 1.0, restart_every=3, nesterov=nesterov
    )
    variable = keras.Variable([0.0])
    expected, s, since = 0.0, 0.0, 0
    for t, g in enumerate(gradients):
        since = 1 if t % 3 == 0 else since + 1
        m_hat = gradients[t + 1 - since : t + 1].mean()
        if nesterov:
            m_hat = m_hat * since / (since + 1) + g / since
        s = 0.999 * s + 0.001 * g**2
        expected -= 0.01 * m_hat / np.sqrt(s / (1 - 0.999 ** (t + 1)))
        optimizer.apply([ops.convert_to_tensor(np.array([g], "float32"))], [variable])
        assert relative_error(variable, np.array([expected])) < TOLERANCE


def test_adam_averages_a_constant_gradient_exactly_whatever_beta_1_does() -> None:
    optimizer = keras_momentum.MomentumAdam(0.01, Table(GAMMAS), restart_every=13)
    variable = keras.Variable([0.0])
    for t in range(STEPS):
        optimizer.apply([ops.ones(1)], [variable])
        moved = float(ops.convert_to_numpy(variable)[0])
        assert moved == pytest.approx(-0.01 * (t + 1), rel=1e-5)


@family
@modes
def test_gradient_restart_follows_a_velocity_that_points_uphill(
    case: Case, mode: str
) -> None:
    optimizer = case.make(0.05, 0.9, restart_when="gradient")
    plain = case.make(0.05, 0.9)
    weights = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    twins = [keras.Variable([1.0, 2.0]), keras.Variable([3.0])]
    step, twin_step = stepper(optimizer, weights, mode), stepper(plain, twins, mode)
    signs = [1.0] * 6 + [-1.0] * 12
    restarted = []
    uphill = False
    for sign in signs:
        gradients = [np.array(g, np.float32) * sign for g in ([1.0, 0.5], [2.0])]
        if uphill:
            plain.restart()
        restarted.append(uphill)
        step(*gradients)
        twin_step(*gradients)
        product = sum(
            float(np.sum(g * ops.convert_to_numpy(plain.velocity(twin))))
            for g, twin in zip(gradients, twins, strict=True)
        )
        uphill = product < 0
    assert any(restarted)
    read = optimizer.iterate if hasattr(optimizer, "iterate") else ops.convert_to_tensor
    twin_read = plain.iterate if hasattr(plain, "iterate") else ops.convert_to_tensor
    for weight, twin in zip(weights, twins, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(read(weight)),
            ops.convert_to_numpy(twin_read(twin)),
            rtol=case.tolerance,
        )


def test_nag_does_not_look_ahead_of_a_gradient_restart() -> None:
    optimizer = keras_momentum.NAG(0.1, 0.9, restart_when="gradient")
    weight = keras.Variable([0.0])
    optimizer.apply([ops.ones(1)], [weight])
    assert float(ops.convert_to_numpy(weight)[0]) == pytest.approx(-0.19)
    optimizer.apply([-0.5 * ops.ones(1)], [weight])  # v = 0.09 − 0.05, uphill
    assert float(ops.convert_to_numpy(weight)[0]) == pytest.approx(-0.14)
    assert float(ops.convert_to_numpy(optimizer.iterate(weight))[0]) == pytest.approx(
        -0.14
    )


@family
@modes
def test_schedule_restarts_with_the_velocity(case: Case, mode: str) -> None:
    optimizer = case.make(0.01, Table(GAMMAS), restart_every=7, schedule_restarts=True)
    variables = run(optimizer, mode)
    planned = reference.restarts(STEPS + 1, every=7)
    gammas = GAMMAS[np.arange(STEPS + 1) % 7]
    check(case, variables, gammas, planned, planned)


@family
@modes
def test_step_with_a_gradient_that_is_not_finite_is_left_out(
    case: Case, mode: str
) -> None:
    arguments = {"weight_decay": 0.1, "use_ema": True, "skip_nonfinite": True}
    optimizer = case.make(0.01, Table(GAMMAS), **arguments)
    twin = case.make(0.01, Table(GAMMAS), **arguments)
    weights = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 4), (5,)]]
    twins = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 4), (5,)]]
    step, twin_step = stepper(optimizer, weights, mode), stepper(twin, twins, mode)
    for t in range(12):
        gradients = [GRADIENTS[t % 5][0], GRADIENTS[t % 5][1]]
        if t in (0, 4, 5, 9):
            broken = [gradient.copy() for gradient in gradients]
            broken[t % 2].flat[-1] = np.nan if t < 5 else -np.inf
            step(*broken)
        else:
            step(*gradients)
            twin_step(*gradients)
    assert optimizer.skipped_steps == 4
    twin._control["skipped_steps"] = 4
    for variable, other in zip(
        [*weights, *optimizer.variables], [*twins, *twin.variables], strict=True
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(variable), ops.convert_to_numpy(other)
        )


@family
@modes
def test_velocity_in_bfloat16_stays_near_the_formula(case: Case, mode: str) -> None:
    optimizer = case.make(0.01, 0.9, velocity_dtype="bfloat16")
    variables = run(optimizer, mode)
    stored = {
        keras.backend.standardize_dtype(variable.dtype)
        for variable in optimizer.variables
        # Also `velocity_0`, and not `velocity_weight`, a scalar.
        if any(variable.path.endswith(f"_{name}") for name in optimizer.velocities)
    }
    assert stored == {"bfloat16"}
    gammas, never = np.full(STEPS + 1, 0.9), np.zeros(STEPS + 1, bool)
    # Each update rounds by 2^-9, and 1 / (1 − γ) of them count: 0.0195. Of the matrices
    # of Muon the small singular values are rounded away, but no element moves by more.
    check(case, variables, gammas, never, never, tolerance=0.0195)
