"""No movement."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class Constant(keras.optimizers.schedules.LearningRateSchedule):
    """The same value at every step, as a part of a `Sequence`.

    ```python
    gamma = value
    ```

    Args:
        value: A float.

    Raises:
        ValueError: If `value` is not a finite float.

    Example:

    >>> import keras_momentum
    >>> constant = keras_momentum.schedules.Constant(0.9)
    >>> [round(float(constant(step)), 3) for step in (0, 1000)]
    [0.9, 0.9]
    """

    def __init__(self, value: float):
        self.value = arguments.finite_float("value", value)

    def __call__(self, step: Any) -> Any:
        return curves.constant(step, self.value)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}
