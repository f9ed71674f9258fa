"""What a schedule says of gamma, held to its range."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_momentum.schedules._values import values, values_at_once

# What a float32 may be beside a bound that it was to reach.
_ROUNDING = 1e-6
# How many values are looked at together.
_CHUNK = 1 << 16


class GammaValues:
    """The values of a schedule at the steps of a run.

    Within the run a value outside [0, 1] is an error. Behind its end, where a plan has
    values too, and where the end is not known, the last value in the range stays.

    Args:
        schedule: The schedule.
        last: The last step of the run, or `None` if it is not known.

    Attributes:
        first_outside: The first step that was found outside, and its value, in a run
            whose end is not known.
    """

    def __init__(self, schedule: Callable[..., Any], last: int | None):
        self._schedule = schedule
        self._last = last
        self._held = 0.0
        self.first_outside: tuple[int, float] | None = None

    def check(self, begin: int) -> None:
        """Looks at all steps of the run from `begin` on, if that does not take long.

        Raises:
            ValueError: If a value is outside the range.
        """
        if self._last is None:
            return
        for chunk in range(begin, self._last + 1, _CHUNK):
            steps = np.arange(
                chunk, min(chunk + _CHUNK, self._last + 1), dtype=np.int32
            )
            found = values_at_once(self._schedule, steps)
            if found is None:
                # One at a time; the others are looked at when they are handed out.
                values_there = values(self._schedule, steps[:1024])
                self._check(steps[:1024], values_there)
                return
            self._check(steps, found)

    def at(self, steps: np.ndarray) -> np.ndarray:
        """The values at `steps`, each in the range.

        Raises:
            ValueError: If one within the run is not.
        """
        found = values(self._schedule, steps).astype(float)
        if self._last is not None:
            self._check(steps[steps <= self._last], found[steps <= self._last])
        outside = ~_is_in_range(found)
        if outside.any() and self._last is None and self.first_outside is None:
            place = int(np.argmax(outside))
            self.first_outside = int(steps[place]), float(found[place])
        found = np.clip(found, 0.0, 1.0)
        for place in np.flatnonzero(outside).tolist():
            found[place] = found[place - 1] if place else self._held
        self._held = float(found[-1])
        return found

    def _check(self, steps: np.ndarray, found: np.ndarray) -> None:
        outside = ~_is_in_range(found)
        if outside.any():
            place = int(np.argmax(outside))
            raise _not_a_gamma(
                float(found[place]),
                f"step {steps[place]}",
                f", from the {type(self._schedule).__name__}",
            )


def gamma_of(value: Any, where: str) -> float:
    """The float of a number in [0, 1], of whatever kind of number it is.

    Args:
        value: What a schedule returned.
        where: For what it did, for the message.

    Raises:
        ValueError: If it is something else.
    """
    is_text = isinstance(value, (bool, np.bool_, str, bytes)) or value is None
    try:
        array = None if is_text else np.asarray(ops.convert_to_numpy(value))
        # Not by its kind: bfloat16 has none.
        is_number = array is not None and array.shape == () and array.dtype != bool
        gamma = float(array) if is_number else float("nan")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        gamma = float("nan")
    if not _is_in_range(np.asarray(gamma)):
        raise _not_a_gamma(value if math.isnan(gamma) else gamma, where)
    return min(max(gamma, 0.0), 1.0)


def _is_in_range(found: np.ndarray) -> np.ndarray:
    return (found >= -_ROUNDING) & (found <= 1.0 + _ROUNDING)


def _not_a_gamma(value: Any, where: str, of: str = "") -> ValueError:
    return ValueError(
        "The `schedule` of GammaScheduler must return a float in the range [0, 1]. "
        f"Received: {value!r} for {where}{of}"
    )
