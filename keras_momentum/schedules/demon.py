"""Momentum that decays."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class Demon(keras.optimizers.schedules.LearningRateSchedule):
    """Decays from `initial` to 0, then stays there.

    ```python
    tau = min(step / steps, 1)
    gamma = initial * (1 - tau) / ((1 - initial) + initial * (1 - tau))
    ```

    A gradient adds γ / (1 − γ) times itself to the updates after its own, and this
    falls in a straight line to 0. Most of γ's decay comes late: half way 0.9 has
    become 0.818.

    Args:
        initial: A float in [0, 1). The value at step 0. Defaults to `0.9`.
        steps: An integer >= 1. The length of the decay, in updates of the optimizer.

    Raises:
        ValueError: If `initial` is not a float in [0, 1), or `steps` is not an
            integer >= 1.

    Example:

    >>> import keras_momentum
    >>> demon = keras_momentum.schedules.Demon(initial=0.9, steps=100)
    >>> [round(float(demon(step)), 3) for step in (0, 50, 90, 100, 1000)]
    [0.9, 0.818, 0.474, 0.0, 0.0]

    Reference:

    - Chen, Wolfe, Li and Kyrillidis, 2022, "Demon: improved neural network training
      with momentum decay".
    """

    def __init__(self, initial: float = 0.9, *, steps: int):
        self.initial = arguments.decay("initial", initial)
        self.steps = arguments.integer("steps", steps, minimum=1)

    def __call__(self, step: Any) -> Any:
        return curves.demon(self.initial, curves.remaining(step, self.steps))

    def get_config(self) -> dict[str, Any]:
        return {"initial": self.initial, "steps": self.steps}
