"""What all ramps share."""

import abc
from collections.abc import Callable
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


class Ramp(keras.optimizers.schedules.LearningRateSchedule, abc.ABC):
    """Goes from `initial` at step 0 to `final` at step `steps`, then stays there.

    Args:
        initial: A float. The value at step 0. Defaults to `0.5`.
        final: A float. The value from step `steps` on. Defaults to `0.95`.
        steps: An integer >= 1. The length of the ramp, in updates of the optimizer.

    Raises:
        ValueError: If `initial` or `final` is not a finite float, or `steps` is not
            an integer >= 1.
    """

    def __init__(self, initial: float = 0.5, final: float = 0.95, *, steps: int):
        self.initial = arguments.finite_float("initial", initial)
        self.final = arguments.finite_float("final", final)
        self.steps = arguments.integer("steps", steps, minimum=1)

    @abc.abstractmethod
    def __call__(self, step: Any) -> Any:
        """The value at `step`, a number or tensor of any shape."""

    def get_config(self) -> dict[str, Any]:
        return {"initial": self.initial, "final": self.final, "steps": self.steps}


class RampBelowOne(Ramp):
    """Abstract base of the ramps of coefficients that must stay below 1.

    Raises:
        ValueError: If `initial` or `final` is not a float in [0, 1), or `steps` is not
            an integer >= 1.
    """

    # Takes both ends, how much of the ramp is done and how much is left.
    _curve: Callable[[float, float, Any, Any], Any]

    def __init__(self, initial: float = 0.5, final: float = 0.95, *, steps: int):
        super().__init__(
            arguments.decay("initial", initial),
            arguments.decay("final", final),
            steps=steps,
        )

    def __call__(self, step: Any) -> Any:
        return self._curve(
            self.initial,
            self.final,
            curves.progress(step, self.steps),
            curves.remaining(step, self.steps),
        )
