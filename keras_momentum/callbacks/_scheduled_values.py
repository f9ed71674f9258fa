"""What a schedule says of a hyper-parameter, held to what that may be."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum.schedules._values import values, values_at_once

# What a float32 may be beside 0 or 1 that it was to reach.
_ROUNDING = 1e-6
# How many values are looked at together.
_CHUNK = 1 << 16


class Limits:
    """What the `schedule` of a callback may return.

    Args:
        hyperparameter: What it decides.
        mover: The name of the callback.

    Attributes:
        bounds: What a number may be.
        length: How many numbers there are, or `None`: one alone.
    """

    def __init__(self, hyperparameter: Any, mover: str):
        elements = getattr(hyperparameter, "elements", None)
        self.bounds: Bounds = (elements or [hyperparameter])[0].bounds
        self.length = None if elements is None else len(elements)
        self._mover = mover

    def held(self, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values, next to the bounds if rounding went past them; which are within."""
        bounds = self.bounds
        held = np.clip(found, bounds.minimum, bounds.maximum)
        rounding = _ROUNDING if math.isfinite(bounds.maximum) else 0.0
        with np.errstate(invalid="ignore"):  # ∞ − ∞
            inside = bounds.contain(held) & (np.abs(found - held) <= rounding)
        return held, inside if self.length is None else inside.all(axis=-1)

    def of(self, value: Any, where: str) -> Any:
        """What a function returned as a float, of whatever kind of number it is.

        Of a hyper-parameter of several numbers it is a list of them.

        Args:
            value: What it returned.
            where: For what it did, for the message.

        Raises:
            ValueError: If it may not be that.
        """
        if self.length is None:
            found = np.asarray(_float(value))
            shown = value if math.isnan(found) else float(found)
        else:
            try:
                found = np.array([_float(each) for each in value])
            except TypeError:
                found = np.array([])
            shown = value
        right = () if self.length is None else (self.length,)
        if found.shape == right:
            held, is_inside = self.held(found)
            if is_inside:
                return held.tolist()
        raise self.error(shown, where)

    def error(self, value: Any, where: str) -> ValueError:
        """That says what must be returned."""
        words = self.bounds.words
        if self.length is not None:
            words = f"{self.length} numbers, each {words}"
        return ValueError(
            f"The `schedule` of {self._mover} must return {words}. "
            f"Received: {value!r} for {where}"
        )


class ScheduledValues:
    """The values of a schedule at the steps of a run.

    Within the run a value that the hyper-parameter may not be is an error. Behind its
    end, where a plan has values too, and where the end is not known, the last value
    that it may be stays.

    Args:
        schedule: The schedule.
        limits: What it may return.
        first: The step with which the run begins, or goes on.
        last: The last step of the run, or `None` if it is not known.
        present: What the hyper-parameter is before.

    Attributes:
        first_outside: The first step that was found outside, and its value, in a run
            whose end is not known.
    """

    def __init__(
        self,
        schedule: Callable[..., Any],
        limits: Limits,
        first: int,
        last: int | None,
        present: Any,
    ):
        self._schedule = schedule
        self._limits = limits
        self._first = first
        self._last = last
        self._present = np.asarray(present, float)
        # The values that were last asked for, and the step of the first one.
        self._former: tuple[int, np.ndarray] = (0, np.array([]))
        self.first_outside: tuple[int, Any] | None = None

    def check(self) -> None:
        """Looks at all steps of the run, if that does not take long.

        Raises:
            ValueError: If a value is outside the bounds.
        """
        if self._last is None:
            return
        for chunk in range(self._first, self._last + 1, _CHUNK):
            steps = np.arange(
                chunk, min(chunk + _CHUNK, self._last + 1), dtype=np.int32
            )
            is_single = self._limits.length is None
            found = values_at_once(self._schedule, steps) if is_single else None
            if found is None:
                # One at a time; the others are looked at when they are handed out.
                self._check(steps[:1024], self._values(steps[:1024]))
                return
            self._check(steps, found)

    def at(self, steps: np.ndarray) -> np.ndarray:
        """The values at `steps`, one after the other, each within the bounds.

        Raises:
            ValueError: If one within the run is not.
        """
        found = self._values(steps)
        # A plan may begin with steps that are over.
        is_to_come = steps >= self._first
        if self._last is not None:
            is_of_run = is_to_come & (steps <= self._last)
            self._check(steps[is_of_run], found[is_of_run])
        held, inside = self._limits.held(found)
        outside = np.flatnonzero(~inside & is_to_come)
        if len(outside) and self._last is None and self.first_outside is None:
            place = int(outside[0])
            self.first_outside = int(steps[place]), found[place].tolist()
        for place in np.flatnonzero(~inside).tolist():
            held[place] = held[place - 1] if place else self._before(int(steps[0]))
        self._former = int(steps[0]), held
        return held

    def _before(self, step: int) -> np.ndarray:
        """The value of the step before this one, as far as it is known."""
        begin, held = self._former
        place = step - 1 - begin
        return held[place] if 0 <= place < len(held) else self._present

    def _values(self, steps: np.ndarray) -> np.ndarray:
        length = self._limits.length
        if length is None:
            return values(self._schedule, steps).astype(float)
        rows = [ops.convert_to_numpy(self._schedule(int(step))) for step in steps]
        for step, row in zip(steps, rows, strict=True):
            if row.shape != (length,):
                raise self._error(row.tolist(), int(step))
        return np.reshape(rows, (-1, length)).astype(float)

    def _check(self, steps: np.ndarray, found: np.ndarray) -> None:
        _, inside = self._limits.held(found)
        if not inside.all():
            place = int(np.argmin(inside))
            raise self._error(found[place].tolist(), int(steps[place]))

    def _error(self, value: Any, step: int) -> ValueError:
        kind = type(self._schedule).__name__
        return self._limits.error(value, f"step {step}, from the {kind}")


def _float(value: Any) -> float:
    """A number of whatever kind; not a number if it is none."""
    is_text = isinstance(value, (bool, np.bool_, str, bytes)) or value is None
    try:
        array = None if is_text else np.asarray(ops.convert_to_numpy(value))
        # Not by its kind: bfloat16 has none.
        is_number = array is not None and array.shape == () and array.dtype != bool
        return float(array) if is_number else math.nan  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan
