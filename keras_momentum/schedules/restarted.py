"""One schedule again and again."""

from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class Restarted(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that begins anew every so many steps.

    ```python
    gamma = schedule(step % every)
    ```

    The velocity stays; with `restart_every=every` the optimizer drops it as well.

    Args:
        schedule: A schedule, of `keras_momentum.schedules` or
            `keras.optimizers.schedules`.
        every: An integer >= 1. The length of a round, in updates of the optimizer.

    Raises:
        ValueError: If `schedule` is no schedule, or `every` is not an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> from keras_momentum.schedules import NesterovSequence, Restarted
    >>> schedule = Restarted(NesterovSequence(), every=30)
    >>> [round(float(schedule(step)), 3) for step in (0, 27, 29, 30, 57)]
    [0.0, 0.9, 0.906, 0.0, 0.9]
    >>> optimizer = keras_momentum.NAG(0.01, momentum=schedule, restart_every=30)

    Reference:

    - Loshchilov and Hutter, 2017, "SGDR: stochastic gradient descent with warm
      restarts" (of a learning rate).
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent".
    """

    def __init__(self, schedule: Any, every: int):
        self.schedule = arguments.schedule("schedule", schedule)
        self.every = arguments.integer("every", every, minimum=1)

    def __call__(self, step: Any) -> Any:
        return self.schedule(ops.mod(curves.as_integer(step), self.every))

    def get_config(self) -> dict[str, Any]:
        return {
            "schedule": keras.saving.serialize_keras_object(self.schedule),
            "every": self.every,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Restarted":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(**{**config, "schedule": schedule})
