"""The classic ramp."""

from typing import Any

import keras

from keras_momentum.schedules import curves
from keras_momentum.schedules.ramp import Ramp


@keras.saving.register_keras_serializable(package="keras_momentum")
class LinearRamp(Ramp):
    """A straight line from `initial` to `final`, then constant.

    ```python
    tau = min(step / steps, 1)
    gamma = initial + (final - initial) * tau
    ```

    With `final=1.0` this is the classic γ₀ + (1 − γ₀) t/T. It is a pure function of
    the step and works as a learning rate as well as a momentum coefficient.

    Args:
        initial: A float. The value at step 0. Defaults to `0.5`.
        final: A float. The value from step `steps` on. Defaults to `0.95`.
        steps: An integer >= 1. The length of the ramp, in updates of the optimizer.

    Raises:
        ValueError: If `initial` or `final` is not a finite float, or `steps` is not
            an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> ramp = keras_momentum.schedules.LinearRamp(initial=0.5, final=0.9, steps=100)
    >>> [round(float(ramp(step)), 3) for step in (0, 50, 100, 1000)]
    [0.5, 0.7, 0.9, 0.9]
    >>> optimizer = keras_momentum.Momentum(learning_rate=0.01, momentum=ramp)

    Reference:

    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning" (why the coefficient should grow).
    """

    def __call__(self, step: Any) -> Any:
        return curves.linear(
            self.initial, self.final, curves.progress(step, self.steps)
        )
