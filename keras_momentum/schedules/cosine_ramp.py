"""A ramp that begins and ends gently."""

from typing import Any

import keras

from keras_momentum.schedules import curves
from keras_momentum.schedules.ramp import Ramp


@keras.saving.register_keras_serializable(package="keras_momentum")
class CosineRamp(Ramp):
    """Half a cosine from `initial` to `final`, then constant.

    ```python
    tau = min(step / steps, 1)
    gamma = final + (initial - final) * (1 + cos(pi * tau)) / 2
    ```

    It is flat at both ends and steepest half way. With `final=0.0` it is the usual
    cosine decay of a learning rate.

    Args:
        initial: A float. The value at step 0. Defaults to `0.5`.
        final: A float. The value from step `steps` on. Defaults to `0.95`.
        steps: An integer >= 1. The length of the ramp, in updates of the optimizer.

    Raises:
        ValueError: If `initial` or `final` is not a finite float, or `steps` is not
            an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> ramp = keras_momentum.schedules.CosineRamp(initial=0.5, final=0.9, steps=100)
    >>> [round(float(ramp(step)), 3) for step in (0, 25, 50, 100, 1000)]
    [0.5, 0.559, 0.7, 0.9, 0.9]

    Reference:

    - Loshchilov and Hutter, 2017, "SGDR: stochastic gradient descent with warm
      restarts" (the curve, for a learning rate).
    """

    def __call__(self, step: Any) -> Any:
        return curves.cosine(
            self.initial, self.final, curves.progress(step, self.steps)
        )
