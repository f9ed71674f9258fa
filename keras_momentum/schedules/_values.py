"""The values of a schedule at many steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_momentum._numbers import number


def values(schedule: Callable[..., Any], steps: np.ndarray) -> np.ndarray:
    """The values of a schedule at `steps`, all at once if it can do that."""
    result = values_at_once(schedule, steps)
    if result is not None:
        return result
    return np.array([number(schedule(int(step))) for step in steps])


def values_at_once(schedule: Callable[..., Any], steps: np.ndarray) -> Any:
    """The values of a schedule at `steps`, or `None` if it takes one at a time."""
    try:
        result = ops.convert_to_numpy(schedule(steps))
        return result if result.shape == steps.shape else None
    except Exception:  # Whatever a schedule raises that was written for scalars.
        return None
