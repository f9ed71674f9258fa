"""The learning rate, which Keras holds and which can follow a plan."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters.bounds import Bounds
from keras_momentum._hyperparameters.control import Control
from keras_momentum._hyperparameters.hyperparameter import any_integer, next_of
from keras_momentum._hyperparameters.plan import Plan


class LearningRate:
    """The learning rate as a hyper-parameter: Keras's variable, and a plan beside it.

    Args:
        control: Where the numbers of the plan are.
        optimizer: The optimizer that holds it.
    """

    name = argument = "learning_rate"
    # As of Keras's schedules: a warmup may begin with 0, a decay end with it.
    bounds = Bounds("[0, inf)")

    def __init__(self, control: Control, optimizer: keras.optimizers.Optimizer):
        self._optimizer = optimizer
        self.path = Plan(control, self.name)

    @property
    def is_settable(self) -> bool:
        """Whether no schedule and no callable decides it."""
        return isinstance(self._optimizer._learning_rate, keras.Variable)

    @property
    def is_moving(self) -> bool:
        """Whether a schedule, a callable or a plan decides it."""
        return not self.is_settable or self.path.is_followed

    def current(self, scalars: Mapping[str, Any], iteration: Any) -> Any:
        """That of the next update, a scalar, if it is settable."""
        return backend.real(backend.scalar(self._optimizer._learning_rate))

    def advance(self, scalars: Mapping[str, Any]) -> None:
        """Moves it on, in a step, to that of the next update."""
        if self.is_settable:
            variable = self._optimizer._learning_rate
            backend.assign_scalar(variable, scalars[next_of(self.name)])

    def set(self, value: Any) -> None:
        """Sets it from the next update on, and ends a plan."""
        if arguments.is_float(value):
            value = float(value)
        if callable(value) and not isinstance(value, keras.Variable):
            self._refuse_a_source(value)
        elif not self.is_settable:
            source = type(self._optimizer._learning_rate).__name__
            raise TypeError(
                f"The optimizer was created with a {source} as its `learning_rate`, "
                f"hence it can't be set to {value!r}; create it with a float."
            )
        keras.optimizers.Optimizer.learning_rate.fset(self._optimizer, value)
        self.path.end()

    def _refuse_a_source(self, value: Any) -> None:
        if self._optimizer.built:
            raise TypeError(
                "A schedule belongs in the constructor argument `learning_rate`, as a "
                "step that is compiled would go on without it. "
                f"Received: learning_rate={value!r}"
            )

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
        """Each update from `begin` on gets its own."""
        points = [self.checked("values", rate) for rate in values]
        begin = now if begin is None else any_integer("begin", begin)
        self._follow(points, begin, 1, now)

    def stop(self) -> None:
        """Leaves it where it is: a plan ends."""
        self.path.end()

    def checked(self, argument: str, value: Any) -> float:
        """Returns a number that it may be as a float; raises `ValueError` otherwise."""
        return self.bounds.checked(argument, value)

    def _follow(
        self, points: Sequence[float], begin: int, spacing: int, now: int
    ) -> None:
        if not self.is_settable:
            source = type(self._optimizer._learning_rate).__name__
            raise TypeError(
                f"The learning rate can't follow a plan, because a {source} given as "
                "`learning_rate` decides it; create the optimizer with a float "
                "`learning_rate`."
            )
        if self.path.set(points, begin, spacing):
            i = min(max(now - begin, 0) / spacing, len(points) - 1)
            rate = np.interp(i, np.arange(len(points)), points)
            self._optimizer._learning_rate.assign(float(rate))
