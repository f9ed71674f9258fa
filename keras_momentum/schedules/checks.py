"""Checks of arguments that only schedules have."""

from typing import Any

import keras

from keras_momentum import arguments

Schedule = keras.optimizers.schedules.LearningRateSchedule


def bounds(minimum: Any, maximum: Any) -> tuple[float, float]:
    """Returns both if they are finite floats in order; else raises `ValueError`."""
    arguments.finite_float("minimum", minimum)
    arguments.finite_float("maximum", maximum)
    if minimum > maximum:
        raise ValueError(
            f"Argument `minimum` must not be above `maximum`, {maximum}. "
            f"Received: minimum={minimum}"
        )
    return minimum, maximum


def schedule(name: str, value: Any) -> Schedule:
    """Returns `value` if it is a schedule; raises `ValueError` otherwise."""
    if not isinstance(value, Schedule):
        raise ValueError(
            f"Argument `{name}` must be an instance of LearningRateSchedule. "
            f"Received: {name}={value!r}"
        )
    return value
