"""What all ramps share."""

import abc
from typing import Any

import keras

from keras_momentum import arguments


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
