"""A schedule or a callable that decides a hyper-parameter."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeGuard

import keras
import numpy as np
from keras import ops

from keras_momentum._backend import backend
from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum._hyperparameters.control import Control
from keras_momentum.schedules._values import values as all_values

Schedule = keras.optimizers.schedules.LearningRateSchedule

# The steps at which a schedule is looked at when it is given: all of the first, and
# then fewer and fewer up to the last one that can be counted.
_FIRST = np.arange(2**10)
_LATER = np.unique(np.geomspace(2**10, 2**31 - 2, 500).astype(np.int32))


class Source:
    """What decides a hyper-parameter at every update.

    A schedule is looked at when it is given. What a callable returns outside of the
    bounds is clipped, counted, and told by a warning.

    Args:
        control: Where the count is.
        value: A `LearningRateSchedule`, or a callable without arguments.
        name: The name of the hyper-parameter.
        argument: That of the constructor's argument.
        bounds: What the hyper-parameter may be.

    Attributes:
        is_schedule: Whether it can tell what it will be.
        class_name: The name of its class.

    Raises:
        ValueError: If it is a schedule that leaves its bounds.
    """

    def __init__(
        self,
        control: Control,
        value: Callable[..., Any],
        name: str,
        argument: str,
        bounds: Bounds,
    ):
        self.is_schedule = isinstance(value, Schedule)
        self.class_name = type(value).__name__
        self._control = control
        self._value = value
        self._name, self._argument, self._bounds = name, argument, bounds
        self._clipped = f"{name}_clipped"
        self._has_warned = False
        control.add_count(self._clipped)
        if self.is_schedule:  # A callable may not be ready to be called yet.
            self._check()

    def at(self, iteration: Any) -> Any:
        """What it says for an update, a scalar."""
        value = self._value(iteration) if self.is_schedule else self._value()
        return backend.real(backend.scalar(value))

    def clipped(self, value: Any) -> Any:
        """What it says, within the bounds."""
        return self._bounds.clip(value)

    def after(self, scalars: Mapping[str, Any], given: Any) -> dict[str, Any]:
        """The count after an update for which it said `given`."""
        outside = backend.whole(given != self._bounds.clip(given))
        return {self._clipped: scalars[self._clipped] + outside}

    def warn_if_clipped(self) -> None:
        """Says once that it has left the bounds in a step."""
        if self._has_warned or not self._control[self._clipped]:
            return
        self._has_warned = True
        warnings.warn(
            f"The {self.class_name} given as `{self._argument}` has left the "
            f"range {self._bounds.interval} in {self._control[self._clipped]} updates, "
            f"in which {self._name} was clipped to it.",
            stacklevel=4,
        )

    def refuse(self, why: str) -> NoReturn:
        """Raises the `TypeError` of what only a float can do."""
        raise TypeError(
            f"The optimizer was created with a {self.class_name} as its "
            f"`{self._argument}`, which alone decides {self._name}, hence {why}; "
            f"create the optimizer with a float `{self._argument}` to move "
            f"{self._name} from outside."
        )

    def config(self) -> Any:
        """What makes it again."""
        return keras.saving.serialize_keras_object(self._value)

    def _check(self) -> None:
        bounds = self._bounds
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
                f"Argument `{self._argument}` must be a schedule that returns a "
                f"scalar, {bounds.words}. Received: {self._argument}={self._value!r}, "
                f"which returns {shown} at step {steps[where]}"
            )


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
