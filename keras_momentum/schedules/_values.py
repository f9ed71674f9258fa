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
    """The values of a schedule at `steps`, or `None` if it takes one at a time.

    A schedule with a condition takes one, but can be mapped: that is much faster on
    JAX, which compiles each condition anew where nothing else is compiled.
    """
    for at_once in (schedule, lambda steps: ops.vectorized_map(schedule, steps)):
        try:
            result = ops.convert_to_numpy(at_once(ops.convert_to_tensor(steps)))
        except Exception:  # Whatever a schedule raises that was written for numbers.
            continue
        if result.shape == steps.shape:
            return result
    return None
