"""What a hyper-parameter may be."""

import math
import numbers
from typing import Any

import numpy as np

from keras_momentum import arguments
from keras_momentum._backend import backend

_TINY = float(np.finfo(np.float32).tiny)


class Bounds:
    """An interval, and how it is said in a message.

    >>> Bounds("[0, 1)").words
    'a float in the range [0, 1)'
    >>> Bounds("(0, inf)").words
    'a finite float > 0'

    Args:
        interval: As mathematics writes it: "[0, 1]", "[0, 1)", "(0, inf)".
    """

    def __init__(self, interval: str):
        self.interval = interval
        self.minimum, self.maximum = map(float, interval[1:-1].split(","))
        self._is_below_open = interval[0] == "("
        self._is_above_open = interval[-1] == ")"

    @property
    def is_share(self) -> bool:
        """Whether what it leaves of 1 matters too, as with an average's coefficient."""
        return (self.minimum, self.maximum) == (0.0, 1.0)

    @property
    def words(self) -> str:
        """What it allows, after "must be"."""
        if math.isfinite(self.maximum):
            return f"a float in the range {self.interval}"
        if math.isfinite(self.minimum):
            sign = ">" if self._is_below_open else ">="
            return f"a finite float {sign} {self.minimum:g}"
        return "a finite float"

    def checked(self, argument: str, value: Any) -> float:
        """Returns `value` if it is allowed; raises `ValueError` otherwise.

        Args:
            argument: The name of the argument, for the message.
            value: A float; where there is no upper bound also an integer.
        """
        is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        is_number = arguments.is_float(value) or (
            is_whole and not math.isfinite(self.maximum)
        )
        if not is_number or not self.contain(np.asarray(float(value))):
            raise ValueError(
                f"Argument `{argument}` must be {self.words}. "
                f"Received: {argument}={value!r}"
            )
        return float(value)

    def contain(self, values: np.ndarray) -> np.ndarray:
        """Whether each of some values is allowed."""
        # Not what a float32 has no digits for.
        lowest = self.minimum + _TINY if self._is_below_open else self.minimum
        above = values >= lowest
        below = values < self.maximum if self._is_above_open else values <= self.maximum
        return above & below & np.isfinite(values)

    def clip(self, value: Any) -> Any:
        """The next value in the interval, of a scalar in a step."""
        lowest = self.minimum + _TINY * self._is_below_open
        if math.isinf(lowest) and math.isinf(self.maximum):
            return value
        return backend.scalar_ops.clip(value, lowest, self.highest_below(self.maximum))

    def highest_below(self, value: float) -> float:
        """`value`, or the highest float32 in the interval if that is less."""
        if not self._is_above_open or math.isinf(self.maximum):
            return value
        return min(value, self.maximum - 2.0**-24)
