"""Nesterov's constant momentum."""

import math
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class NesterovStronglyConvex(keras.optimizers.schedules.LearningRateSchedule):
    """The coefficient of Nesterov's method for strongly convex functions.

    ```python
    gamma = (sqrt(condition_number) - 1) / (sqrt(condition_number) + 1)
    ```

    It is constant. With it and a learning rate of 1 / L, `NAG` takes some √κ times the
    digits wanted in steps, plain gradient descent some κ times.

    Args:
        condition_number: A finite float >= 1. κ = L / μ, the largest curvature over
            the smallest.

    Raises:
        ValueError: If `condition_number` is not a finite float >= 1.

    Example:

    >>> import keras_momentum
    >>> gamma = keras_momentum.schedules.NesterovStronglyConvex(condition_number=361.0)
    >>> [round(float(gamma(step)), 3) for step in (0, 1000)]
    [0.9, 0.9]

    Reference:

    - Nesterov, 2004, "Introductory lectures on convex optimization: a basic course".
    """

    def __init__(self, condition_number: float):
        self.condition_number = arguments.finite_float(
            "condition_number", condition_number
        )
        if condition_number < 1.0:
            raise ValueError(
                "Argument `condition_number` must be a finite float >= 1. "
                f"Received: condition_number={condition_number}"
            )

    def __call__(self, step: Any) -> Any:
        root = math.sqrt(self.condition_number)
        return curves.constant(step, (root - 1.0) / (root + 1.0))

    def get_config(self) -> dict[str, Any]:
        return {"condition_number": self.condition_number}
