"""A ramp of how far back momentum looks."""

import keras

from keras_momentum.schedules import curves
from keras_momentum.schedules.ramp import RampBelowOne


@keras.saving.register_keras_serializable(package="keras_momentum")
class HorizonRamp(RampBelowOne):
    """A straight line in the logarithm of the horizon 1 / (1 − γ), then constant.

    ```python
    tau = min(step / steps, 1)
    gamma = 1 - (1 - initial) ** (1 - tau) * (1 - final) ** tau
    ```

    The horizon is the number of gradients over which the velocity sums up. Here it
    grows by the same factor in each step, while in `LinearRamp` most of its growth
    falls on the last steps: on the way from 0.5 to 0.99 the horizon goes from 2 to
    100, and is 14 half way here, 4 there.

    Args:
        initial: A float in [0, 1). The value at step 0. Defaults to `0.5`.
        final: A float in [0, 1). The value from step `steps` on. Defaults to `0.95`.
        steps: An integer >= 1. The length of the ramp, in updates of the optimizer.

    Raises:
        ValueError: If `initial` or `final` is not a float in [0, 1), or `steps` is
            not an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> ramp = keras_momentum.schedules.HorizonRamp(initial=0.0, final=0.99, steps=100)
    >>> [round(float(ramp(step)), 3) for step in (0, 50, 100, 1000)]
    [0.0, 0.9, 0.99, 0.99]
    """

    _curve = staticmethod(curves.horizon)
