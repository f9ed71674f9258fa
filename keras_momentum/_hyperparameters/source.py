"""A schedule or a callable that decides a hyper-parameter."""

import inspect
from collections.abc import Callable
from typing import Any, TypeGuard

import keras
import numpy as np
from keras import ops

from keras_momentum._backend import backend
from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum.schedules._values import values as all_values

Schedule = keras.optimizers.schedules.LearningRateSchedule

# The steps at which a schedule is looked at when it is given: all of the first, and
# then fewer and fewer up to the last one that can be counted.
_FIRST = np.arange(2**10)
_LATER = np.unique(np.geomspace(2**10, 2**31 - 2, 500).astype(np.int32))


class Source:
    """What decides a hyper-parameter at every update.

    Args:
        value: A `LearningRateSchedule`, or a callable without arguments.

    Attributes:
        is_schedule: Whether it can tell what it will be.
        name: The name of its class.
    """

    def __init__(self, value: Callable[..., Any]):
        self._value = value
        self.is_schedule = isinstance(value, Schedule)
        self.name = type(value).__name__

    def at(self, iteration: Any) -> Any:
        """What it says for an update, a scalar."""
        value = self._value(iteration) if self.is_schedule else self._value()
        return backend.real(backend.scalar(value))

    def check(self, argument: str, bounds: Bounds) -> None:
        """Raises `ValueError` if it is a schedule that leaves its bounds.

        Args:
            argument: The name of the constructor's argument.
            bounds: The bounds.
        """
        if not self.is_schedule:
            return  # It may not be ready to be called yet.
        first = ops.convert_to_numpy(self._value(0))
        values = first[np.newaxis] if first.shape == () else None
        steps = np.zeros(1, int)
        if values is not None and bounds.contain(values).all():
            steps = np.concatenate([_FIRST, _LATER])
            values = all_values(self._value, steps)
        if values is None or not (inside := bounds.contain(values)).all():
            where = 0 if values is None else int(np.argmin(inside))
            shown = first if values is None else values[where]
            raise ValueError(
                f"Argument `{argument}` must be a schedule that returns a scalar, "
                f"{bounds.words}. Received: {argument}={self._value!r}, "
                f"which returns {shown} at step {steps[where]}"
            )

    def config(self) -> Any:
        """What makes it again."""
        return keras.saving.serialize_keras_object(self._value)


def is_source(value: Any) -> TypeGuard[Callable[..., Any]]:
    """Whether it can decide a hyper-parameter."""
    return isinstance(value, Schedule) or _takes_no_arguments(value)


def _takes_no_arguments(value: Any) -> bool:
    """Whether it can be called, some day; it may not be ready for it yet."""
    if not callable(value) or isinstance(value, type):
        return False
    try:
        inspect.signature(value).bind()
    except TypeError:
        return False
    except ValueError:  # What is built in may have no signature.
        return True
    return True
