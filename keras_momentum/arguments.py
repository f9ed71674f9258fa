"""Checks of arguments, each with one sentence: the name, the value, what is allowed."""

import math
import numbers
from typing import Any


def finite_float(name: str, value: Any) -> float:
    """Returns `value` if it is a finite float; raises `ValueError` otherwise."""
    if not isinstance(value, float) or not math.isfinite(value):
        raise ValueError(
            f"Argument `{name}` must be a finite float. Received: {name}={value!r}"
        )
    return value


def coefficient(name: str, value: Any) -> float:
    """Returns `value` if it is a float in [0, 1]; raises `ValueError` otherwise."""
    if not isinstance(value, float) or not 0.0 <= value <= 1.0:
        raise ValueError(
            f"Argument `{name}` must be a float in the range [0, 1]. "
            f"Received: {name}={value!r}"
        )
    return value


def integer(name: str, value: Any, *, minimum: int) -> int:
    """Returns `value` if it is an integer >= `minimum`; else raises `ValueError`."""
    if (
        not isinstance(value, numbers.Integral)
        or isinstance(value, bool)
        or value < minimum
    ):
        raise ValueError(
            f"Argument `{name}` must be an integer >= {minimum}. "
            f"Received: {name}={value!r}"
        )
    return int(value)
