"""Every hyper-parameter moves: set, ramped, planned, by a schedule or a callable."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.optimizers import moving
from tests.optimizers.family import CASES, Table
from tests.optimizers.moving import FIRST, GRADIENTS, OF_EACH, ROWS, Row
from tests.stepping import MODES, relative_error, stepper

# As many updates are set one by one, ramped, and planned.
SET, RAMPED, PLANNED = 10, 8, 6
STEPS = SET + RAMPED + PLANNED

rows = pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row.optimizer}-{row.name}" for row in ROWS]
)
each = pytest.mark.parametrize("optimizer", OF_EACH)


def read(optimizer: Any, name: str) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(getattr(optimizer, name)), np.float64)


def check(weights: list[Any], wanted: list[np.ndarray], tolerance: float) -> None:
    for weight, value in zip(weights, wanted, strict=True):
        assert relative_error(weight, value) < tolerance


@rows
def test_it_is_set_then_ramped_then_planned_in_one_compiled_step(row: Row) -> None:
    values = np.concatenate(
        [row.random(SET), row.line(RAMPED, 5), row.random(PLANNED, seed=1)]
    )
    optimizer = moving.make(
        row.optimizer, {**row.given, row.name: row.value(values[0])}
    )
    weights = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(optimizer, weights, MODES[-1])
    for t in range(STEPS):
        if 0 < t < SET:
            setattr(optimizer, row.name, row.value(values[t]))
        elif t == SET:
            ends = row.value(row.low), row.value(row.high)
            optimizer.ramp(row.name, *ends, steps=5)
        elif t == SET + RAMPED:
            optimizer.plan(row.name, [row.value(value) for value in values[t:]])
        # What is said before an update is what the update uses.
        np.testing.assert_allclose(read(optimizer, row.name), values[t], rtol=1e-5)
        step(*GRADIENTS[t % 7])
    np.testing.assert_allclose(read(optimizer, row.name), values[-1], rtol=1e-5)
    if hasattr(step, "experimental_get_tracing_count"):
        assert step.experimental_get_tracing_count() == 1
    case, points = row.case, list(weights)
    if case.theta and row.name in ("gamma", "weights"):
        # What is set was not known when the last step looked ahead; θ is exact.
        case, points = CASES[case.theta], [optimizer.iterate(w) for w in weights]
    moved = {**row.given, row.name: np.concatenate([values, values[-1:]])}
    check(points, moving.expected(case, moved, STEPS), case.tolerance)


@rows
def test_it_matters_by_its_formula(row: Row) -> None:
    """Else the other tests would say nothing."""
    values = np.concatenate([row.random(STEPS), row.random(1)])
    moved, stays = (
        moving.expected(row.case, {**row.given, row.name: each}, STEPS)
        for each in (values, np.repeat(values[:1], len(values), axis=0))
    )
    differences = [
        np.abs(a - b).max() / np.abs(a).max() for a, b in zip(moved, stays, strict=True)
    ]
    assert max(differences) > 10 * row.case.tolerance


@each
def test_all_of_them_follow_schedules_at_once(optimizer: str) -> None:
    values = {
        row.name: row.random(STEPS + 1, seed=n)
        for n, row in enumerate(OF_EACH[optimizer])
    }
    schedules = {name: Table(numbers) for name, numbers in values.items()}
    made = moving.make(optimizer, schedules, restart_every=7)
    weights = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(made, weights, MODES[-1])
    for t in range(STEPS):
        step(*GRADIENTS[t % 7])
    case = CASES[optimizer]
    wanted = moving.expected(case, values, STEPS, every=7)
    check(weights, wanted, case.tolerance)
    for name, numbers in values.items():
        np.testing.assert_allclose(read(made, name), numbers[STEPS], rtol=1e-5)


@each
def test_all_of_them_are_asked_where_they_are_callables(optimizer: str) -> None:
    steps = 5
    values = {
        row.name: row.random(steps + 1, seed=n)
        for n, row in enumerate(OF_EACH[optimizer])
        if not row.is_vector
    }
    # What a callable says next is not known, hence taken to stay.
    values["gamma"][:] = values["gamma"][0]
    now = [0]

    def asked(numbers: np.ndarray) -> Any:
        return lambda: float(numbers[now[0]])

    callables = {name: asked(numbers) for name, numbers in values.items()}
    made = moving.make(optimizer, callables)
    weights = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(made, weights, "eager")
    for t in range(steps):
        now[0] = t
        step(*GRADIENTS[t % 7])
    case = CASES[optimizer]
    check(weights, moving.expected(case, values, steps), case.tolerance)


@each
def test_all_of_them_are_listed_by_name(optimizer: str) -> None:
    low = {row.name: row.value(row.low) for row in OF_EACH[optimizer]}
    made = moving.make(optimizer, low)
    assert set(made.hyperparameters) == set(low)
    for row in OF_EACH[optimizer]:
        found = made.hyperparameters[row.name]
        assert made.hyperparameter(row.name) is found
        assert made.hyperparameter(row.argument) is found
        assert (found.name, found.argument) == (row.name, row.argument)
        assert found.is_settable
        assert not found.is_moving
        made.ramp(row.name, row.value(row.low), row.value(row.high), steps=3)
        assert found.is_moving
        made.stop(row.name)
        assert not found.is_moving
    gamma = made.hyperparameters["gamma"]
    for name in ("gamma", "momentum", "beta_1"):
        assert made.hyperparameter(name) is gamma
    with pytest.raises(ValueError, match="`nothing`|'nothing'") as refused:
        made.hyperparameter("nothing")
    for name in low:
        assert name in str(refused.value)
