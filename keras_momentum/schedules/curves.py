"""Curves: functions of the progress of a schedule, a number that goes from 0 to 1."""

from typing import Any

import keras
from keras import ops


def progress(step: Any, steps: Any) -> Any:
    """τ = min(max(step, 0) / steps, 1), in the float type of Keras.

    Args:
        step: The index of the update, a number or an integer or float tensor of any
            shape.
        steps: How many updates the schedule lasts, a positive number or scalar.
    """
    dtype = keras.config.floatx() if keras.config.floatx() == "float64" else "float32"
    return ops.clip(ops.cast(step, dtype) / ops.cast(steps, dtype), 0.0, 1.0)


def linear(initial: Any, final: Any, progress: Any) -> Any:
    """A straight line; it never leaves [initial, final] by rounding."""
    return initial + (final - initial) * progress
