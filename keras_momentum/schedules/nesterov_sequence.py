"""Nesterov's growing momentum."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class NesterovSequence(keras.optimizers.schedules.LearningRateSchedule):
    """The coefficients of Nesterov's method for convex functions.

    ```python
    gamma = min(step / (step + 3), maximum)
    ```

    With it `NAG` needs no condition number and still converges as 1/t² on any convex
    function. It grows past what a strongly convex one wants, and then the iterates
    oscillate; `NAG(..., restart_when="gradient", schedule_restarts=True)` mends that.

    Args:
        maximum: A float in [0, 1]. Defaults to `0.999`.

    Raises:
        ValueError: If `maximum` is not a float in [0, 1].

    Example:

    >>> import keras_momentum
    >>> sequence = keras_momentum.schedules.NesterovSequence()
    >>> [round(float(sequence(step)), 3) for step in (0, 1, 27, 10_000)]
    [0.0, 0.25, 0.9, 0.999]

    Reference:

    - Nesterov, 1983, "A method for solving the convex programming problem with
      convergence rate O(1/k²)".
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent" (with restarts).
    """

    def __init__(self, maximum: float = 0.999):
        self.maximum = arguments.coefficient("maximum", maximum)

    def __call__(self, step: Any) -> Any:
        step = curves.as_float(step)
        return curves.within(0.0, self.maximum, step / (step + 3.0))

    def get_config(self) -> dict[str, Any]:
        return {"maximum": self.maximum}
