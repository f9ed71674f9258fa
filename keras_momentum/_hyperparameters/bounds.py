"""What a hyper-parameter may be."""

import math
import numbers
from typing import Any

import numpy as np

from keras_momentum import arguments
from keras_momentum._backend import backend


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
        above = values > self.minimum if self._is_below_open else values >= self.minimum
        below = values < self.maximum if self._is_above_open else values <= self.maximum
        return above & below & np.isfinite(values)

    def clip(self, value: Any) -> Any:
        """The next value in the interval, of a scalar in a step."""
        lowest, highest = self.minimum, self.maximum
        if self._is_below_open and math.isfinite(lowest):
            lowest += 1e-30
        if self._is_above_open and math.isfinite(highest):
            highest -= 2.0**-24  # The float32 next to 1.
        if math.isinf(lowest) and math.isinf(highest):
            return value
        return backend.scalar_ops.clip(value, lowest, highest)
