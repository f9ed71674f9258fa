"""A hyper-parameter: whatever can be given as a learning rate."""

import inspect
import numbers
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import keras
import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.plan import Plan
from keras_momentum._hyperparameters.scalar import Scalar
from keras_momentum.schedules._values import values as all_values

Schedule = keras.optimizers.schedules.LearningRateSchedule
HyperparameterLike: TypeAlias = float | Callable[..., Any]

# The steps at which a schedule is looked at when it is given: all of the first, and
# then fewer and fewer up to the last one that can be counted.
_FIRST = np.arange(2**10)
_LATER = np.unique(np.geomspace(2**10, 2**31 - 2, 500).astype(np.int32))


class Hyperparameter:
    """A coefficient in [0, 1], given as a float, a schedule or a callable.

    A float becomes a number that always is the coefficient of the next update. Beside
    it stands a plan; while there is one, the training step itself moves the number
    along it, so that nothing has to be called between two steps.

    Args:
        control: Where its numbers are.
        name: What it is called whatever the optimizer is: "gamma".
        value: A float in [0, 1], a `LearningRateSchedule`, or a callable without
            arguments.
        argument: The name of the constructor's argument, for messages.
    """

    def __init__(
        self, control: Control, name: str, value: HyperparameterLike, argument: str
    ):
        self.name = name
        self.argument = argument
        self.source: Callable[..., Any] | None = None
        self._control = control
        if isinstance(value, Schedule):
            self.source = value
            self._check_schedule(value)
        elif _takes_no_arguments(value):
            self.source = value
        elif not arguments.is_float(value):
            raise ValueError(
                f"Argument `{argument}` must be a float in the range [0, 1], an "
                "instance of LearningRateSchedule, or a callable that takes no "
                f"arguments and returns the coefficient. Received: {argument}={value!r}"
            )
        else:
            control.add_number(name, arguments.coefficient(argument, value))
            self._plan = Plan(control, name)
        self._clipped = f"{name}_clipped"
        if self.source is not None:
            control.add_count(self._clipped)
            self._has_warned = False

    @property
    def is_settable(self) -> bool:
        """Whether no schedule and no callable decides it."""
        return self.source is None

    # In a step.

    def current(self, scalars: Mapping[str, Any], iteration: Any) -> Any:
        """What the update `iteration` is given, a scalar that may need `clipped`.

        Of a float it is that of the next update, whatever `iteration` is.
        """
        if self.source is None:
            return scalars[self.name]
        return self._from_source(iteration)

    def following(
        self, scalars: Mapping[str, Any], current: Any, iteration: Any
    ) -> Any:
        """What the update `iteration` is given, when that before it has `current`.

        A callable without arguments can't tell it; it is taken to stay.
        """
        if isinstance(self.source, Schedule):
            return self._from_source(iteration)
        if self.source is not None:
            return current
        return self._plan.value(scalars, iteration, otherwise=scalars[self.name])

    def clipped(self, value: Any) -> Any:
        """What a source returns, in [0, 1]; the coefficient."""
        return value if self.source is None else _clip(value)

    def after(
        self, scalars: Mapping[str, Any], current: Any, following: Any
    ) -> dict[str, Any]:
        """What its numbers are after an update with these two."""
        if self.source is None:
            return {self.name: following}
        outside = backend.whole(current != _clip(current))
        return {self._clipped: scalars[self._clipped] + outside}

    # From the host.

    def scalar(self, iteration: Any) -> Any:
        """What is read: the coefficient of the update `iteration`."""
        if self.source is None:
            return Scalar(lambda: self._control.scalar(self.name), self.set, self.name)
        self.warn_if_clipped()
        return ops.clip(ops.convert_to_tensor(self._from_source(iteration)), 0.0, 1.0)

    def set(self, value: Any) -> None:
        """Sets the coefficient from the next update on, and ends a plan."""
        self._refuse_if_driven(f"it can't be set to {value!r}")
        if isinstance(value, Schedule) or (
            callable(value) and not isinstance(value, Scalar)
        ):
            raise TypeError(
                f"The optimizer was created with a float as its `{self.argument}`, "
                "hence it can be set to a number only; a schedule belongs in the "
                f"constructor argument `{self.argument}`. "
                f"Received: {self.name}={value!r}"
            )
        if isinstance(value, numbers.Real | np.ndarray | Scalar):
            if isinstance(value, bool) or getattr(value, "shape", ()) != ():
                value = repr(value)
            else:
                value = float(value)
            self._control[self.name] = arguments.coefficient(self.name, value)
            self._plan.end()
            return
        if isinstance(value, str | bytes | list | tuple | dict) or value is None:
            arguments.coefficient(self.name, value)
        self._plan.end()
        self._control.assign(self.name, value)

    def ramp(
        self, initial: float, final: float, steps: int, begin: int | None, now: int
    ) -> None:
        """A straight line from the update `begin` on, which takes `steps` updates."""
        ends = [
            arguments.coefficient("initial", initial),
            arguments.coefficient("final", final),
        ]
        steps = arguments.integer("steps", steps, minimum=1)
        begin = now if begin is None else _any_integer("begin", begin)
        self._follow(ends, begin, steps, now)

    def plan(self, values: Sequence[float], now: int) -> None:
        """Each of the next updates gets its own coefficient."""
        points = [self._checked("values", value) for value in values]
        self._follow(points, now, 1, now)

    def stop(self) -> None:
        """Leaves it where it is: a plan ends."""
        if self.source is None:
            self._plan.end()

    def config(self) -> Any:
        """What the constructor needs to make this hyper-parameter again."""
        if self.source is None:
            return self._control[self.name]
        return keras.saving.serialize_keras_object(self.source)

    def warn_if_clipped(self) -> None:
        """Says once that a schedule has left the range in a step."""
        if self.source is None or self._has_warned or not self._control[self._clipped]:
            return
        self._has_warned = True
        warnings.warn(
            f"The {_name_of(self.source)} given as `{self.argument}` has left the "
            f"range [0, 1] in {self._control[self._clipped]} updates, in which "
            f"{self.name} was clipped to it.",
            stacklevel=3,
        )

    def _follow(
        self, points: Sequence[float], begin: int, spacing: int, now: int
    ) -> None:
        self._refuse_if_driven("it can't follow a plan")
        self._plan.set(points, begin, spacing)
        i = min(max(now - begin, 0) / spacing, len(points) - 1)
        self._control[self.name] = np.interp(i, np.arange(len(points)), points)

    def _checked(self, argument: str, value: Any) -> float:
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            value = float(value)
        return arguments.coefficient(argument, value)

    def _from_source(self, iteration: Any) -> Any:
        assert self.source is not None
        takes_step = isinstance(self.source, Schedule)
        value = self.source(iteration) if takes_step else self.source()
        return backend.real(backend.scalar(value))

    def _check_schedule(self, schedule: Any) -> None:
        first = ops.convert_to_numpy(schedule(0))
        values = first[np.newaxis] if first.shape == () else None
        steps = np.zeros(1, int)
        if values is not None and _is_in_range(values).all():
            steps = np.concatenate([_FIRST, _LATER])
            values = all_values(schedule, steps)
        if values is None or not (inside := _is_in_range(values)).all():
            where = 0 if values is None else int(np.argmin(inside))
            shown = first if values is None else values[where]
            raise ValueError(
                f"Argument `{self.argument}` must be a schedule that returns a scalar "
                f"in the range [0, 1]. Received: {self.argument}={schedule!r}, "
                f"which returns {shown} at step {steps[where]}"
            )

    def _refuse_if_driven(self, why: str) -> None:
        if self.source is not None:
            raise TypeError(
                f"The optimizer was created with a {_name_of(self.source)} as its "
                f"`{self.argument}`, which alone decides {self.name}, hence {why}; "
                f"create the optimizer with a float `{self.argument}` to move "
                f"{self.name} from outside."
            )


def named(attribute: str, documentation: str) -> property:
    """The property under whose names an optimizer shows a hyper-parameter.

    Args:
        attribute: The attribute of the optimizer that holds it.
        documentation: The property's docstring.
    """

    def read(optimizer: Any) -> Any:
        return optimizer._read_hyperparameter(getattr(optimizer, attribute))

    def write(optimizer: Any, value: Any) -> None:
        getattr(optimizer, attribute).set(value)

    return property(read, write, doc=documentation)


def _clip(value: Any) -> Any:
    return backend.scalar_ops.clip(value, 0.0, 1.0)


def _is_in_range(values: np.ndarray) -> np.ndarray:
    return (values >= 0.0) & (values <= 1.0)


def _name_of(source: Any) -> str:
    return type(source).__name__


def _any_integer(name: str, value: Any) -> int:
    return arguments.integer(name, value, minimum=-(2**31))


def _takes_no_arguments(value: Any) -> TypeGuard[Callable[[], Any]]:
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
