"""The abstract optimizer whose learning rate can move while a compiled step runs."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers.course import Course


class SteeredOptimizer(keras.optimizers.Optimizer):
    """Abstract base of optimizers whose learning rate can follow a course.

    Args:
        **kwargs: The keyword arguments of `keras.optimizers.Optimizer`.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._learning_rate_course = Course(self, "learning_rate")

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update; setting it ends a course."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        keras.optimizers.Optimizer.learning_rate.fset(self, value)
        self._learning_rate_course.end()

    @property
    def learning_rate_is_settable(self) -> bool:
        """Whether it is a variable: no schedule and no callable decides it."""
        return isinstance(self._learning_rate, keras.Variable)

    def plan_learning_rate(self, values: Sequence[float]) -> None:
        """Gives each of the next updates its learning rate, in the compiled step.

        Args:
            values: 1 to 1024 floats > 0; the last one stays.

        Raises:
            TypeError: If a schedule or a callable decides the learning rate.
            ValueError: If `values` is not as said.
        """
        if not self.learning_rate_is_settable:
            raise TypeError(
                "The learning rate can't follow a plan, because a "
                f"{type(self._learning_rate).__name__} given as `learning_rate` "
                "decides it; create the optimizer with a float `learning_rate`."
            )
        rates = [arguments.positive_float("values", float(rate)) for rate in values]
        iteration = self._next_iteration()
        self._learning_rate_course.set(rates, iteration, spacing=1)
        self._advance_learning_rate(iteration)

    def _next_iteration(self) -> int:
        return int(ops.convert_to_numpy(self.iterations))

    def _advance_learning_rate(self, iteration: Any) -> None:
        """Moves the variable along the course, to the update `iteration`."""
        if self.learning_rate_is_settable:
            rate = self._learning_rate
            value = self._learning_rate_course.value(iteration, otherwise=rate)
            rate.assign(ops.cast(value, rate.dtype))
