"""Several hyper-parameters of one kind, under one name."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import Hyperparameter


class HyperparameterVector:
    """A hyper-parameter of several numbers: the weights of a mixture.

    It is set, ramped and planned as a whole, to as many numbers as it has. In a formula
    each is a scalar with its place in its name, `step.weights_0`.

    Args:
        control: Where its numbers are.
        name: What it is called, and its argument.
        value: Numbers, or a schedule that returns as many at every step.
        bounds: What each may be.
        looks_ahead: Whether a formula reads those of the next update too.

    Attributes:
        elements: Each of them.
    """

    def __init__(
        self,
        control: Control,
        name: str,
        value: Any,
        bounds: Bounds,
        looks_ahead: bool,
    ):
        self.name = self.argument = name
        self._bounds = bounds
        self._schedule = value if isinstance(value, LearningRateSchedule) else None
        first = value if self._schedule is None else self._schedule(0)
        try:
            (self._length,) = np.shape(ops.convert_to_numpy(first))
        except (TypeError, ValueError):
            raise ValueError(
                f"Argument `{name}` must be several numbers, or a schedule that "
                f"returns several. Received: {name}={value!r}"
            ) from None
        values: Any = [_Element(self._schedule, i) for i in range(self._length)]
        if self._schedule is None:
            values = self.checked(name, value)
        self.elements = [
            Hyperparameter(control, f"{name}_{i}", each, name, bounds, looks_ahead)
            for i, each in enumerate(values)
        ]
        for each in self.elements:
            if each.source is not None:
                each.source.class_name = type(value).__name__

    @property
    def is_settable(self) -> bool:
        """Whether no schedule decides it."""
        return self._schedule is None

    @property
    def is_moving(self) -> bool:
        """Whether a schedule or a plan decides it."""
        return any(each.is_moving for each in self.elements)

    def scalar(self, iteration: Any) -> tuple[Any, ...]:
        """What is read: the numbers of the update `iteration`."""
        return tuple(each.scalar(iteration) for each in self.elements)

    def set(self, values: Any) -> None:
        """Sets all from the next update on, and ends a plan."""
        if callable(values) and self.is_settable:
            raise TypeError(
                f"The optimizer was created with numbers as its `{self.argument}`, "
                "hence it can be set to numbers only; a schedule belongs in the "
                f"constructor argument `{self.argument}`. "
                f"Received: {self.name}={values!r}"
            )
        self._each(lambda each, value: each.set(value), self.checked(self.name, values))

    def ramp(
        self, initial: Any, final: Any, steps: int, begin: int | None, now: int
    ) -> None:
        """A straight line for each, which takes `steps` updates."""
        self._each(
            lambda each, one, other: each.ramp(one, other, steps, begin, now),
            self.checked("initial", initial),
            self.checked("final", final),
        )

    def plan(self, values: Sequence[Any], begin: int | None, now: int) -> None:
        """Each update from `begin` on gets its own numbers."""
        rows = [self.checked("values", row) for row in values]
        self._each(
            lambda each, column: each.plan(column, begin, now),
            list(zip(*rows, strict=True)) or [[]] * self._length,
        )

    def stop(self) -> None:
        """Leaves all where they are."""
        for each in self.elements:
            each.stop()

    def config(self) -> Any:
        """What the constructor needs to make it again."""
        if self._schedule is not None:
            return keras.saving.serialize_keras_object(self._schedule)
        return [each.config() for each in self.elements]

    def checked(self, argument: str, value: Any) -> list[float]:
        """Returns as many floats as it has; raises `ValueError` otherwise."""
        try:
            numbers = [float(each) for each in value]
        except (TypeError, ValueError):
            numbers = []
        is_long = len(numbers) == self._length and not isinstance(value, str | bytes)
        if not is_long or not self._bounds.contain(np.array(numbers)).all():
            raise ValueError(
                f"Argument `{argument}` must have {self._length} numbers, each "
                f"{self._bounds.words}. Received: {argument}={value!r}"
            )
        return numbers

    def _each(self, function: Callable[..., None], *columns: Sequence[Any]) -> None:
        for each, *values in zip(self.elements, *columns, strict=True):
            function(each, *values)


class _Element(LearningRateSchedule):
    """One number of a schedule that returns several."""

    def __init__(self, schedule: Any, place: int):
        self._schedule = schedule
        self._place = place

    def __call__(self, step: Any) -> Any:
        return ops.convert_to_tensor(self._schedule(step))[self._place]

    def __repr__(self) -> str:
        return repr(self._schedule)

    def get_config(self) -> dict[str, Any]:
        return {"schedule": self._schedule, "place": self._place}
