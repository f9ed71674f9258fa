"""Numbers of Python from whatever holds one."""

from typing import Any

from keras import ops


def number(value: Any) -> float:
    """A scalar tensor, variable or number as a float."""
    return float(ops.convert_to_numpy(value))
