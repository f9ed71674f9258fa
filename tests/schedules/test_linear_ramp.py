"""`LinearRamp` against its formula."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_momentum.schedules import LinearRamp
from tests import reference


def test_values_and_what_follows_the_end() -> None:
    ramp = LinearRamp(0.2, 0.95, steps=40)
    steps = np.array([0, 1, 7, 39, 40, 41, 10**6, 2**31 - 1])
    expected = [reference.linear_ramp(step, 0.2, 0.95, 40) for step in steps]
    np.testing.assert_allclose(ops.convert_to_numpy(ramp(steps)), expected, rtol=1e-6)
    for step, value in zip(steps, expected, strict=True):
        assert float(ramp(int(step))) == pytest.approx(value, rel=1e-6)


def test_classic_ramp_ends_at_one() -> None:
    values = ops.convert_to_numpy(LinearRamp(0.5, 1.0, steps=777)(np.arange(1000)))
    assert values.max() == 1.0
    assert (np.diff(values) >= 0).all()


def test_it_works_as_a_learning_rate() -> None:
    optimizer = keras.optimizers.SGD(LinearRamp(0.1, 0.3, steps=2))
    weight = keras.Variable(1.0)
    for _ in range(3):
        optimizer.apply([ops.ones(())], [weight])
    assert float(weight) == pytest.approx(1.0 - 0.1 - 0.2 - 0.3)


def test_serialisation_keeps_the_values() -> None:
    ramp = LinearRamp(0.1, 0.7, steps=9)
    copy = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(ramp)
    )
    assert type(copy) is LinearRamp
    assert float(copy(4)) == float(ramp(4))


@pytest.mark.parametrize(
    ("argument", "value"),
    [("initial", float("nan")), ("final", "1"), ("steps", 0), ("steps", 2.5)],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    arguments = {"initial": 0.5, "final": 0.9, "steps": 10, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        LinearRamp(**arguments)
