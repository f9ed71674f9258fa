"""The momentum coefficient of an optimizer, gamma, and the ways in which it moves."""

import inspect
import numbers
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.course import Course

Schedule = keras.optimizers.schedules.LearningRateSchedule
GammaLike: TypeAlias = float | Callable[..., Any]


class Gamma:
    """A coefficient given as a float, a schedule or a callable, as a learning rate is.

    A float becomes a variable that always holds the coefficient of the next update.
    Beside it stand the variables of a course; while there is one, the training step
    itself moves the variable along it, so that nothing has to be called between two
    steps.

    Args:
        optimizer: The optimizer that owns the variables.
        value: A float in [0, 1], a `LearningRateSchedule`, or a callable without
            arguments.
        argument: The name of the optimizer's argument, for messages.
    """

    def __init__(
        self, optimizer: keras.optimizers.Optimizer, value: GammaLike, argument: str
    ):
        self.argument = argument
        self.source: Callable[..., Any] | None = None
        if isinstance(value, Schedule):
            self.source = value
            self._check_schedule()
            return
        if _takes_no_arguments(value):
            self.source = value
            return
        if not isinstance(value, float):
            raise ValueError(
                f"Argument `{argument}` must be a float in the range [0, 1], an "
                "instance of LearningRateSchedule, or a callable that takes no "
                f"arguments and returns the coefficient. Received: {argument}={value!r}"
            )
        self.variable = control_variable(
            optimizer, "gamma", value=arguments.coefficient(argument, value)
        )
        self.course = Course(optimizer, "gamma")

    def __call__(self, iteration: Any) -> Any:
        """The coefficient of update `iteration`, a scalar.

        For a float this is its variable, which holds the coefficient of the next
        update whatever `iteration` is.
        """
        if self.source is None:
            return self.variable
        if isinstance(self.source, Schedule):
            return self.source(iteration)
        return self.source()

    def after(self, gamma: Any, iteration: Any) -> Any:
        """The coefficient of the update `iteration`, when that before it has `gamma`.

        A callable without arguments can't tell it; it is taken to stay.
        """
        if isinstance(self.source, Schedule):
            return self.source(iteration)
        if self.source is not None:
            return gamma
        return self.course.value(iteration, otherwise=self.variable)

    def advance(self, next_gamma: Any) -> None:
        """Moves the variable on to the coefficient of the next update."""
        if self.source is None:
            self.variable.assign(ops.cast(next_gamma, self.variable.dtype))

    def assign(self, value: Any) -> None:
        """Sets the coefficient from the next update on, and ends a course."""
        self._refuse_if_driven(f"it can't be set to {value!r}")
        if isinstance(value, Schedule) or callable(value):
            raise TypeError(
                f"The optimizer was created with a float as its `{self.argument}`, "
                "hence it can be set to a number only; a schedule belongs in the "
                f"constructor argument `{self.argument}`. Received: gamma={value!r}"
            )
        if isinstance(value, numbers.Real):
            value = arguments.coefficient("gamma", float(value))
        self.course.end()
        self.variable.assign(value)

    def follow(
        self, points: Sequence[float], begin: int, spacing: int, iteration: int
    ) -> None:
        """Sets a course, and the variable to its value at the update `iteration`."""
        self._refuse_if_driven("it can't follow a course")
        points = [arguments.coefficient("values", float(point)) for point in points]
        self.course.set(points, begin, spacing)
        self.advance(self.after(self.variable, iteration))

    def config(self) -> Any:
        """What the constructor needs to make this coefficient again."""
        if self.source is None:
            return float(keras.ops.convert_to_numpy(self.variable))
        return keras.saving.serialize_keras_object(self.source)

    def _check_schedule(self) -> None:
        first = ops.convert_to_numpy(self(0))
        if first.shape != () or not 0.0 <= float(first) <= 1.0:
            raise ValueError(
                f"Argument `{self.argument}` must be a schedule that returns a scalar "
                f"in the range [0, 1]. Received: {self.argument}={self.source!r}, "
                f"which returns {first} at step 0"
            )

    def _refuse_if_driven(self, why: str) -> None:
        if self.source is not None:
            raise TypeError(
                f"The optimizer was created with a {type(self.source).__name__} as its "
                f"`{self.argument}`, which alone decides gamma, hence {why}; create "
                f"the optimizer with a float `{self.argument}` to move gamma from "
                "outside."
            )


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
