"""What a hyper-parameter may be, who may move it, and that it is kept."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.optimizers import moving
from tests.optimizers.family import PLAIN, Case, Table
from tests.optimizers.moving import OF_EACH, ROWS, Row
from tests.optimizers.training import fit, small_model

rows = pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row.optimizer}-{row.name}" for row in ROWS]
)
each = pytest.mark.parametrize("optimizer", OF_EACH)
# What Keras makes of a learning rate is its own matter.
BUT_THE_RATE = [row for row in ROWS if row.name != "learning_rate"]


def read(optimizer: Any, name: str) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(getattr(optimizer, name)), np.float64)


@pytest.mark.parametrize(
    "row",
    BUT_THE_RATE,
    ids=[f"{row.optimizer}-{row.name}" for row in BUT_THE_RATE],
)
@pytest.mark.parametrize("kind", ["out of range", "not a number", "a word"])
def test_a_wrong_value_is_refused_and_changes_nothing(row: Row, kind: str) -> None:
    nan = row.value(np.full_like(row.low, np.nan)) if row.is_vector else float("nan")
    wrong = {"out of range": row.wrong, "not a number": nan, "a word": "high"}[kind]
    low, high = row.value(row.low), row.value(row.high)
    with pytest.raises(ValueError, match=f"`{row.argument}.*Received"):
        moving.make(row.optimizer, {row.name: wrong})
    optimizer = moving.make(row.optimizer, {row.name: high})
    with pytest.raises(ValueError, match=f"`{row.name}.*Received"):
        setattr(optimizer, row.name, wrong)
    for initial, final, argument in ((wrong, high, "initial"), (low, wrong, "final")):
        with pytest.raises(ValueError, match=f"`{argument}.*Received"):
            optimizer.ramp(row.name, initial, final, steps=3)
    with pytest.raises(ValueError, match="`values.*Received"):
        optimizer.plan(row.name, [low, wrong])
    with pytest.raises(ValueError, match="`mine.*Received"):
        optimizer.hyperparameter(row.name).checked("mine", wrong)
    assert not optimizer.hyperparameter(row.name).is_moving
    np.testing.assert_allclose(read(optimizer, row.name), high, rtol=1e-6)


@rows
def test_a_schedule_alone_decides_what_it_was_given_for(row: Row) -> None:
    schedule = Table(row.random(4))
    optimizer = moving.make(row.optimizer, {row.name: schedule})
    found = optimizer.hyperparameter(row.name)
    assert found.is_moving
    assert not found.is_settable
    low, high = row.value(row.low), row.value(row.high)
    named = f"Table.*`{row.argument}`"
    with pytest.raises(TypeError, match=named):
        setattr(optimizer, row.name, high)
    with pytest.raises(TypeError, match=named):
        optimizer.ramp(row.name, low, high, steps=3)
    with pytest.raises(TypeError, match=named):
        optimizer.plan(row.name, [low, high])


@rows
def test_a_schedule_belongs_in_the_constructor(row: Row) -> None:
    optimizer = moving.make(row.optimizer, {row.name: row.value(row.high)})
    optimizer.build([keras.Variable(np.ones((2, 2), np.float32))])
    with pytest.raises(TypeError, match=f"constructor argument `{row.argument}`"):
        setattr(optimizer, row.name, Table(row.random(4)))


@pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN.keys())
def test_a_decay_that_there_is_not_has_nothing_to_move(case: Case) -> None:
    """It is no part of the compiled step then."""
    optimizer = case.make(0.1, 0.9, weight_decay=None)
    assert optimizer.weight_decay is None
    moves: list[Any] = [
        lambda: optimizer.ramp("weight_decay", 0.0, 0.1, steps=3),
        lambda: optimizer.plan("weight_decay", [0.0, 0.1]),
        lambda: setattr(optimizer, "weight_decay", 0.1),
    ]
    for move in moves:
        with pytest.raises(
            (TypeError, ValueError), match=re.escape("weight_decay=0.0")
        ):
            move()
    assert optimizer.weight_decay is None


@each
def test_config_has_all_of_them(optimizer: str) -> None:
    values = {row.name: Table(row.random(4)) for row in OF_EACH[optimizer]}
    of_schedules = moving.make(optimizer, values)
    of_numbers = moving.make(
        optimizer, {row.name: row.value(row.low) for row in OF_EACH[optimizer]}
    )
    for row in OF_EACH[optimizer]:
        setattr(of_numbers, row.name, row.value(row.high))
        found = of_numbers.get_config()[row.argument]
        np.testing.assert_allclose(found, row.high, rtol=1e-6)
    for first in (of_schedules, of_numbers):
        config = keras.optimizers.serialize(first)
        second = keras.optimizers.deserialize(config, custom_objects={"Table": Table})
        assert keras.optimizers.serialize(second) == config
        for row in OF_EACH[optimizer]:
            np.testing.assert_array_equal(
                read(second, row.name), read(first, row.name), row.name
            )


@each
def test_saved_while_all_of_them_ramp_it_goes_on_bit_for_bit(
    optimizer: str, tmp_path: Path
) -> None:
    given = {row.name: row.value(row.low) for row in OF_EACH[optimizer]}
    model = small_model(moving.make(optimizer, given))
    # 12 updates are made before it is saved, and 12 after.
    for row in OF_EACH[optimizer]:
        ends = row.value(row.low), row.value(row.high)
        model.optimizer.ramp(row.name, *ends, steps=20)
    fit(model)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert fit(restored) == fit(model)
    for row in OF_EACH[optimizer]:
        found = read(restored.optimizer, row.name)
        np.testing.assert_array_equal(found, read(model.optimizer, row.name))
        np.testing.assert_allclose(found, row.high, rtol=1e-5)
