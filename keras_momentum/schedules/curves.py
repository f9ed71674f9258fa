"""Curves: functions of the progress of a schedule, a number that goes from 0 to 1."""

from typing import Any

import keras
from keras import ops


def float_type() -> str:
    """The float type of Keras, but float32 where that has 16 bits.

    In bfloat16 a gamma of 0.999 is 1, and the steps after 256 are not told apart.
    """
    floatx = keras.config.floatx()
    return floatx if floatx == "float64" else "float32"


def as_float(value: Any) -> Any:
    """A number or tensor of any shape in `float_type`."""
    return ops.cast(value, float_type())


def progress(step: Any, steps: Any) -> Any:
    """τ = min(max(step, 0) / steps, 1), in `float_type`.

    Args:
        step: The index of the update, a number or an integer or float tensor of any
            shape.
        steps: How many updates the schedule lasts, a positive number or scalar.
    """
    return ops.clip(as_float(step) / as_float(steps), 0.0, 1.0)


def linear(initial: Any, final: Any, progress: Any) -> Any:
    """A straight line; it never leaves [initial, final] by rounding."""
    return initial + (final - initial) * progress
