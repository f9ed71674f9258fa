"""Numbers out of what Keras returns."""

import numbers
from typing import Any

from keras import ops


def number(value: Any) -> float:
    """A scalar tensor, variable or number as a float.

    Args:
        value: What holds one number, on any backend.

    Returns:
        The number; that of a Python or NumPy number as it is, not as a float32.
    """
    if isinstance(value, numbers.Real):
        return float(value)
    return float(ops.convert_to_numpy(value))
