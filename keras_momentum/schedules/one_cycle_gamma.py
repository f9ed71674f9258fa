"""The momentum of one cycle."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class OneCycleGamma(keras.optimizers.schedules.LearningRateSchedule):
    """Half a cosine down from `maximum` to `minimum`, one back, then constant.

    ```python
    peak = warmup * steps
    tau = step / peak if step < peak else min((steps - step) / (steps - peak), 1)
    gamma = minimum + (maximum - minimum) * (1 + cos(pi * tau)) / 2
    ```

    It goes with a learning rate that rises to its largest value at the same step
    `warmup * steps` and then falls; `keras_momentum.callbacks.OneCycle` moves both.

    Args:
        maximum: A float. The value at step 0, and from step `steps` on. Defaults to
            `0.95`.
        minimum: A float, not above `maximum`. The value at step `warmup * steps`.
            Defaults to `0.85`.
        steps: An integer >= 1. The length of the cycle, in updates of the optimizer.
        warmup: A float in [0, 1]. The share of `steps` in which the value falls; with
            `0.0` it starts at `minimum`. Defaults to `0.3`.

    Raises:
        ValueError: If `maximum` or `minimum` is not a finite float, `minimum` is above
            `maximum`, `steps` is not an integer >= 1, or `warmup` is not a float in
            [0, 1].

    Example:

    >>> import keras_momentum
    >>> cycle = keras_momentum.schedules.OneCycleGamma(steps=100)
    >>> [round(float(cycle(step)), 3) for step in (0, 15, 30, 65, 100, 1000)]
    [0.95, 0.9, 0.85, 0.9, 0.95, 0.95]

    Reference:

    - Smith, 2018, "A disciplined approach to neural network hyper-parameters: part 1".
    """

    def __init__(
        self,
        maximum: float = 0.95,
        minimum: float = 0.85,
        *,
        steps: int,
        warmup: float = 0.3,
    ):
        self.minimum, self.maximum = arguments.bounds(minimum, maximum)
        self.steps = arguments.integer("steps", steps, minimum=1)
        self.warmup = arguments.coefficient("warmup", warmup)

    def __call__(self, step: Any) -> Any:
        values = (self.maximum, self.minimum, self.maximum)
        return curves.one_cycle(
            step, values, peak=self.warmup * self.steps, last=self.steps
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "maximum": self.maximum,
            "minimum": self.minimum,
            "steps": self.steps,
            "warmup": self.warmup,
        }
