"""Numbers of Python out of whatever holds one."""

from typing import Any

from keras import ops


def number(value: Any) -> float:
    """The float that a variable, a tensor or a number is."""
    return float(ops.convert_to_numpy(value))
