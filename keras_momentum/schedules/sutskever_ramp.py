"""Sutskever's momentum for deep networks."""

from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class SutskeverRamp(keras.optimizers.schedules.LearningRateSchedule):
    """A staircase that halves 1 − γ each time the steps have doubled.

    ```python
    gamma = min(1 - 2 ** (-1 - log2(step // period + 1)), maximum)
    ```

    The first stair is 0.5, the next ones are 0.75, 0.833, 0.875: Nesterov's growing
    sequence, `period` steps at a time, up to what a strongly convex function wants.
    The paper tries 0.9, 0.99, 0.995 and 0.999 as its `maximum`.

    Args:
        maximum: A float in [0, 1]. Defaults to `0.99`.
        period: An integer >= 1. The length of a stair, in updates of the optimizer.
            Defaults to `250`.

    Raises:
        ValueError: If `maximum` is not a float in [0, 1], or `period` is not an
            integer >= 1.

    Example:

    >>> import keras_momentum
    >>> ramp = keras_momentum.schedules.SutskeverRamp()
    >>> [round(float(ramp(step)), 3) for step in (0, 249, 250, 1000, 100_000)]
    [0.5, 0.5, 0.75, 0.9, 0.99]

    Reference:

    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning".
    """

    def __init__(self, maximum: float = 0.99, period: int = 250):
        self.maximum = arguments.coefficient("maximum", maximum)
        self.period = arguments.integer("period", period, minimum=1)

    def __call__(self, step: Any) -> Any:
        stairs = ops.floor_divide(curves.as_integer(step), self.period)
        # Cast before 1 is added, for which an integer may be too large. And as
        # 2 ** (-1 - log2(n)) is 1 / (2 n), no logarithm has to lose digits.
        n = curves.as_float(stairs) + 1.0
        return curves.within(0.0, self.maximum, 1.0 - 0.5 / n)

    def get_config(self) -> dict[str, Any]:
        return {"maximum": self.maximum, "period": self.period}
