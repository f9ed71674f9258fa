"""Curves: functions of the progress of a schedule, a number that goes from 0 to 1."""

from typing import Any

import keras
from keras import ops


def as_float(step: Any) -> Any:
    """A step, of any shape, in the float type of Keras but never in one of 16 bits."""
    floatx = keras.config.floatx()
    return ops.cast(step, floatx if floatx == "float64" else "float32")


def progress(step: Any, steps: Any) -> Any:
    """τ = min(max(step, 0) / steps, 1), in the float type of Keras.

    Args:
        step: The index of the update, a number or an integer or float tensor of any
            shape.
        steps: How many updates the schedule lasts, a positive number or scalar.
    """
    return ops.clip(as_float(step) / as_float(steps), 0.0, 1.0)


def linear(initial: Any, final: Any, progress: Any) -> Any:
    """A straight line; it never leaves [initial, final] by rounding."""
    return initial + (final - initial) * progress
