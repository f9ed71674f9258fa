"""A ramp of how fast momentum forgets."""

import keras

from keras_momentum.schedules import curves
from keras_momentum.schedules.ramp import RampBelowOne


@keras.saving.register_keras_serializable(package="keras_momentum")
class HalfLifeRamp(RampBelowOne):
    """A straight line in the half-life ln ½ / ln γ, then constant.

    ```python
    tau = min(step / steps, 1)
    half_life = (1 - tau) * log(0.5) / log(initial) + tau * log(0.5) / log(final)
    gamma = 0.5 ** (1 / half_life)
    ```

    The half-life is the number of updates after which half of a gradient is forgotten.
    Here it grows by the same number of updates in each step: from 0.9 to 0.9999 it goes
    from 7 to 6931, and is 3469 half way, while in `LinearRamp` it is 13 there and most
    of its growth falls on the last steps. `AdEMAMix.with_warmup` moves beta_3 so.

    Args:
        initial: A float in [0, 1). The value at step 0. Defaults to `0.9`.
        final: A float in [0, 1). The value from step `steps` on. Defaults to `0.9999`.
        steps: An integer >= 1. The length of the ramp, in updates of the optimizer.

    Raises:
        ValueError: If `initial` or `final` is not a float in [0, 1), or `steps` is
            not an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> ramp = keras_momentum.schedules.HalfLifeRamp(0.9, 0.9999, steps=100)
    >>> [round(float(ramp(step)), 5) for step in (0, 1, 50, 100, 1000)]
    [0.9, 0.9909, 0.9998, 0.9999, 0.9999]

    Reference:

    - Pagliardini, Ablin and Grangier, 2024, "The AdEMAMix optimizer: better, faster,
      older".
    """

    _curve = staticmethod(curves.half_life)

    def __init__(self, initial: float = 0.9, final: float = 0.9999, *, steps: int):
        super().__init__(initial, final, steps=steps)
