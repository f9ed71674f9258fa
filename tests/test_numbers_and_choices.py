"""Numbers out of tensors, and arguments that are one of a few."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum import arguments
from keras_momentum._numbers import number


@pytest.mark.parametrize("value", [0.1, np.float64(0.1)])
def test_a_number_stays_as_it_is(value: Any) -> None:
    assert number(value) == 0.1
    assert type(number(value)) is float


def test_variables_and_tensors_are_numbers() -> None:
    for value in (keras.Variable(0.5), keras.ops.ones(()) / 2, np.array(0.5)):
        assert number(value) == 0.5


def test_what_is_allowed_is_said_in_words() -> None:
    assert arguments.one_of("mode", "min", ("auto", "min", "max")) == "min"
    assert arguments.one_of("restart_when", None, (None, "gradient")) is None
    message = 'Argument `mode` must be "auto", "min" or "max". Received: mode=\'up\''
    with pytest.raises(ValueError, match=f"^{message}$"):
        arguments.one_of("mode", "up", ("auto", "min", "max"))
    message = 'Argument `restart_when` must be `None` or "gradient". Received: .*=3'
    with pytest.raises(ValueError, match=f"^{message}$"):
        arguments.one_of("restart_when", 3, (None, "gradient"))
    with pytest.raises(ValueError, match='must be "step" or "epoch"'):
        arguments.one_of("unit", np.ones(2), ("step", "epoch"))
