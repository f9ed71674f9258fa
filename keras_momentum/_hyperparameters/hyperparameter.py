"""A hyper-parameter: whatever can be given as a learning rate."""

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.plan import Plan
from keras_momentum._hyperparameters.scalar import Scalar
from keras_momentum._hyperparameters.source import Source, is_source

HyperparameterLike: TypeAlias = float | Callable[..., Any]


class Hyperparameter:
    """A coefficient, given as a float, a schedule or a callable.

    A float becomes a number that always is the coefficient of the next update. Beside
    it stands a plan; while there is one, the training step itself moves the number
    along it, so that nothing has to be called between two steps.

    Args:
        control: Where its numbers are.
        name: What it is called whatever the optimizer is: "gamma".
        value: A float, a `LearningRateSchedule`, or a callable without arguments.
        argument: The name of the constructor's argument, for messages.
        bounds: What it may be.
        looks_ahead: Whether a formula reads that of the next update too.

    Attributes:
        source: The schedule or the callable that decides it, or `None`.
        is_absent: Whether there is nothing of it in a step.
        path: The plan of a float.
    """

    is_absent = False

    def __init__(
        self,
        control: Control,
        name: str,
        value: HyperparameterLike,
        argument: str,
        bounds: Bounds,
        looks_ahead: bool = False,
    ):
        self.name = name
        self.argument = argument
        self.bounds = bounds
        self.source: Source | None = None
        self._looks_ahead = looks_ahead
        self._control = control
        self.complement = f"one_minus_{name}"
        if is_source(value):
            self.source = Source(control, value, name, argument, bounds)
        else:
            self._last_set = self._first(value)
            control.add_number(name, self._last_set)
            if bounds.is_share:
                control.add_number(self.complement, 1.0 - self._last_set)
            self.path = Plan(control, name)

    @property
    def is_settable(self) -> bool:
        """Whether no schedule and no callable decides it."""
        return self.source is None

    @property
    def is_moving(self) -> bool:
        """Whether a schedule, a callable or a plan decides it."""
        return self.source is not None or self.path.is_followed

    # In a step.

    def current(self, scalars: Mapping[str, Any], iteration: Any) -> Any:
        """What the update `iteration` is given, a scalar that a source may have
        outside of the bounds.

        Of a float it is that of the next update, whatever `iteration` is.
        """
        return scalars[self.name] if self.source is None else self.source.at(iteration)

    def of_step(
        self, scalars: dict[str, Any], iteration: Any, next_iteration: Any
    ) -> dict[str, Any]:
        """The scalars of a formula, by name.

        Args:
            scalars: Those of the control; what was given is kept there for `after`.
            iteration: The step that a schedule is given.
            next_iteration: That of the next update.
        """
        given = self.current(scalars, iteration)
        scalars[_given(self.name)] = given
        value = self._clipped(given)
        found = {self.name: value}
        if self.bounds.is_share:
            # That of a float has all of its digits.
            is_held = self.source is None
            found[self.complement] = scalars[self.complement] if is_held else 1 - value
        if self._looks_ahead:
            following = self._following(scalars, given, next_iteration)
            found[next_of(self.name)] = self._clipped(following)
        return found

    def after(self, scalars: Mapping[str, Any]) -> dict[str, Any]:
        """What its numbers are after an update; `scalars` are those of `of_step`."""
        if self.source is None:
            names = [self.name, *[self.complement] * self.bounds.is_share]
            return {name: scalars[next_of(name)] for name in names}
        return self.source.after(scalars, scalars[_given(self.name)])

    def _following(self, scalars: Mapping[str, Any], given: Any, iteration: Any) -> Any:
        """What the update `iteration` is given, when that before it has `given`.

        A callable without arguments can't tell it; it is taken to stay.
        """
        if self.source is None:
            return scalars[next_of(self.name)]
        return self.source.at(iteration) if self.source.is_schedule else given

    def _clipped(self, value: Any) -> Any:
        """What a source returns, within the bounds; the coefficient."""
        return value if self.source is None else self.source.clipped(value)

    # From the host.

    def scalar(self, iteration: Any) -> Any:
        """What is read: the coefficient of the update `iteration`."""
        if self.source is None:
            return Scalar(lambda: self._control.scalar(self.name), self.set, self.name)
        self.source.warn_if_clipped()
        value = ops.convert_to_tensor(self.source.at(iteration))
        return ops.convert_to_tensor(self.source.clipped(value))

    def set(self, value: Any) -> None:
        """Sets the coefficient from the next update on, and ends a plan."""
        if self.source is not None:
            self.source.refuse(f"it can't be set to {value!r}")
        is_scalar = isinstance(value, Scalar)
        if callable(value) and not is_scalar:
            raise TypeError(
                f"The optimizer was created with a float as its `{self.argument}`, "
                "hence it can be set to a number only; a schedule belongs in the "
                f"constructor argument `{self.argument}`. "
                f"Received: {self.name}={value!r}"
            )
        if is_scalar or isinstance(value, numbers.Real | np.ndarray):
            is_one = getattr(value, "shape", ()) == () and not isinstance(value, bool)
            given = float(value) if is_one else value
            self._hold(self.bounds.checked(self.name, given))
            self.path.end()
            return
        if isinstance(value, str | bytes | list | tuple | dict) or value is None:
            self.bounds.checked(self.name, value)
        value = ops.convert_to_tensor(value)
        if backend.is_known(value):
            self.set(np.asarray(ops.convert_to_numpy(value)))
            return
        self.path.end()
        self._control.assign(self.name, value)
        if self.bounds.is_share:
            self._control.assign(self.complement, 1 - value)

    def ramp(
        self, initial: float, final: float, steps: int, begin: int | None, now: int
    ) -> None:
        """A straight line from the update `begin` on, which takes `steps` updates."""
        ends = [
            self.bounds.checked("initial", initial),
            self.bounds.checked("final", final),
        ]
        steps = arguments.integer("steps", steps, minimum=1)
        begin = now if begin is None else any_integer("begin", begin)
        self._follow(ends, begin, steps, now)

    def plan(self, values: Sequence[float], begin: int | None, now: int) -> None:
        """Each update from `begin` on gets its own coefficient."""
        points = [self.checked("values", value) for value in values]
        begin = now if begin is None else any_integer("begin", begin)
        self._follow(points, begin, 1, now)

    def stop(self) -> None:
        """Leaves it where it is: a plan ends."""
        if self.source is None:
            self.path.end()

    def config(self) -> Any:
        """What the constructor needs to make this hyper-parameter again."""
        if self.source is not None:
            return self.source.config()
        value = self._control[self.name]
        # What was set, not what a float32 has of it, as long as it is there.
        is_there = value == self._control.rounded(self._last_set)
        return self._last_set if is_there else value

    def checked(self, argument: str, value: Any) -> float:
        """Returns a number that it may be as a float; raises `ValueError` otherwise.

        Args:
            argument: The name of the argument, for the message.
            value: What was given.
        """
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            value = float(value)
        return self.bounds.checked(argument, value)

    def _first(self, value: Any) -> float:
        """The float that the constructor was given."""
        if arguments.is_float(value):
            return self.bounds.checked(self.argument, value)
        try:
            return self.bounds.checked(self.argument, value)
        except ValueError:
            raise ValueError(
                f"Argument `{self.argument}` must be {self.bounds.words}, an instance "
                "of LearningRateSchedule, or a callable that takes no arguments and "
                f"returns the coefficient. Received: {self.argument}={value!r}"
            ) from None

    def _hold(self, value: float) -> None:
        self._last_set = value
        self._control[self.name] = value
        if self.bounds.is_share:
            self._control[self.complement] = 1.0 - value

    def _follow(
        self, points: Sequence[float], begin: int, spacing: int, now: int
    ) -> None:
        if self.source is not None:
            self.source.refuse("it can't follow a plan")
        points = [self.bounds.highest_below(point) for point in points]
        if self.path.set(points, begin, spacing):
            i = min(max(now - begin, 0) / spacing, len(points) - 1)
            self._hold(float(np.interp(i, np.arange(len(points)), points)))


def next_of(name: str) -> str:
    """The name of a scalar's value at the next update."""
    return f"next_{name}"


def any_integer(name: str, value: Any) -> int:
    """Returns `value` if it is an integer of 32 bits; raises `ValueError` otherwise."""
    return arguments.integer(name, value, minimum=-(2**31))


def _given(name: str) -> str:
    return f"given_{name}"
