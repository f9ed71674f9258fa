"""Checks of arguments, each with one sentence: the name, the value, what is allowed."""

import math
import numbers
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

LARGEST_COUNT = 2**31 - 1


def is_float(value: Any) -> bool:
    """Whether `value` is a float of Python or of NumPy."""
    return isinstance(value, float | np.floating)


def finite_float(name: str, value: Any) -> float:
    """Returns `value` if it is a finite float; raises `ValueError` otherwise."""
    if not is_float(value) or not math.isfinite(value):
        raise ValueError(
            f"Argument `{name}` must be a finite float. Received: {name}={value!r}"
        )
    return float(value)


def coefficient(name: str, value: Any) -> float:
    """Returns `value` if it is a float in [0, 1]; raises `ValueError` otherwise."""
    if not is_float(value) or not 0.0 <= value <= 1.0:
        raise ValueError(
            f"Argument `{name}` must be a float in the range [0, 1]. "
            f"Received: {name}={value!r}"
        )
    return float(value)


def decay(name: str, value: Any) -> float:
    """Returns `value` if it is a float in [0, 1); raises `ValueError` otherwise."""
    if not is_float(value) or not 0.0 <= value < 1.0:
        raise ValueError(
            f"Argument `{name}` must be a float in the range [0, 1). "
            f"Received: {name}={value!r}"
        )
    return float(value)


def integer(name: str, value: Any, *, minimum: int) -> int:
    """Returns `value` if it is an integer >= `minimum`; else raises `ValueError`.

    What can't be counted in 32 bits, as some backends do, is refused too.
    """
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_integer or int(value) < minimum:
        raise ValueError(
            f"Argument `{name}` must be an integer >= {minimum}. "
            f"Received: {name}={value!r}"
        )
    if value > LARGEST_COUNT:
        raise ValueError(
            f"Argument `{name}` must be at most {LARGEST_COUNT}, the largest count of "
            f"32 bits. Received: {name}={value!r}"
        )
    return int(value)


def boolean(name: str, value: Any) -> bool:
    """Returns `value` if it is a bool; raises `ValueError` otherwise."""
    if not isinstance(value, bool):
        raise ValueError(
            f"Argument `{name}` must be a boolean. Received: {name}={value!r}"
        )
    return value


def one_of(name: str, value: Any, allowed: Sequence[str | None]) -> Any:
    """Returns `value` if it is one of `allowed`; raises `ValueError` otherwise.

    Args:
        name: The name of the argument.
        value: What was given.
        allowed: Strings, and perhaps `None`; at least two.
    """
    if not (value is None or isinstance(value, str)) or value not in allowed:
        *others, last = ("`None`" if x is None else f'"{x}"' for x in allowed)
        raise ValueError(
            f"Argument `{name}` must be {', '.join(others)} or {last}. "
            f"Received: {name}={value!r}"
        )
    return value


def positive_float(name: str, value: Any) -> float:
    """Returns `value` if it is a finite float > 0; raises `ValueError` otherwise."""
    if not is_float(value) or not math.isfinite(value) or value <= 0.0:
        raise ValueError(
            f"Argument `{name}` must be a finite float > 0. Received: {name}={value!r}"
        )
    return float(value)


def floats(name: str, values: Any, count: int) -> tuple[float, ...]:
    """Returns `values` if they are so many finite floats; else raises `ValueError`."""
    is_list = isinstance(values, list | tuple) and len(values) == count
    if not is_list or not all(is_float(v) and math.isfinite(v) for v in values):
        raise ValueError(
            f"Argument `{name}` must be {count} finite floats. "
            f"Received: {name}={values!r}"
        )
    return tuple(map(float, values))


def patterns(name: str, values: Any) -> tuple[str, ...]:
    """Returns `values` if they are regular expressions; else raises `ValueError`."""
    try:
        if isinstance(values, str):
            raise TypeError
        for value in values:
            re.compile(value)
    except (TypeError, re.error):
        raise ValueError(
            f"Argument `{name}` must be a list of regular expressions. "
            f"Received: {name}={values!r}"
        ) from None
    return tuple(values)


def float_dtype(name: str, value: Any) -> str:
    """Returns the standard name of a float dtype; raises `ValueError` otherwise."""
    allowed = ("float16", "bfloat16", "float32", "float64")
    try:
        dtype = keras.backend.standardize_dtype(value)
    except ValueError:
        dtype = None
    if value is None or dtype not in allowed:
        raise ValueError(
            f"Argument `{name}` must be one of {', '.join(allowed)}. "
            f"Received: {name}={value!r}"
        )
    return dtype


def bounds(minimum: Any, maximum: Any) -> tuple[float, float]:
    """Returns both if they are finite floats in order; else raises `ValueError`."""
    minimum = finite_float("minimum", minimum)
    maximum = finite_float("maximum", maximum)
    if minimum > maximum:
        raise ValueError(
            f"Argument `minimum` must not be above `maximum`, {maximum!r}. "
            f"Received: minimum={minimum!r}"
        )
    return minimum, maximum


def schedule(name: str, value: Any) -> Any:
    """Returns `value` if it is a schedule; raises `ValueError` otherwise."""
    if not isinstance(value, keras.optimizers.schedules.LearningRateSchedule):
        raise ValueError(
            f"Argument `{name}` must be an instance of LearningRateSchedule. "
            f"Received: {name}={value!r}"
        )
    return value
