"""Momentum that goes up and down for ever."""

from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class CyclicGamma(keras.optimizers.schedules.LearningRateSchedule):
    """A straight line up from `minimum` to `maximum`, one back, and again.

    ```python
    tau = (step % period) / period
    gamma = minimum + (maximum - minimum) * 2 * min(tau, 1 - tau)
    ```

    Where `period` is odd, `maximum` lies between two steps and is not quite reached.

    Args:
        minimum: A float. The value at every multiple of `period`. Defaults to `0.85`.
        maximum: A float, not below `minimum`. The value half a period later. Defaults
            to `0.95`.
        period: An integer >= 1. The length of a cycle, in updates of the optimizer.

    Raises:
        ValueError: If `minimum` or `maximum` is not a finite float, `minimum` is above
            `maximum`, or `period` is not an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> cycle = keras_momentum.schedules.CyclicGamma(period=100)
    >>> [round(float(cycle(step)), 3) for step in (0, 25, 50, 75, 100, 150)]
    [0.85, 0.9, 0.95, 0.9, 0.85, 0.95]

    Reference:

    - Smith, 2017, "Cyclical learning rates for training neural networks".
    """

    def __init__(self, minimum: float = 0.85, maximum: float = 0.95, *, period: int):
        self.minimum, self.maximum = arguments.bounds(minimum, maximum)
        self.period = arguments.integer("period", period, minimum=1)

    def __call__(self, step: Any) -> Any:
        phase = ops.mod(curves.as_integer(step), self.period)
        height = curves.triangle(curves.progress(phase, self.period))
        return curves.linear(self.minimum, self.maximum, height)

    def get_config(self) -> dict[str, Any]:
        return {
            "minimum": self.minimum,
            "maximum": self.maximum,
            "period": self.period,
        }
