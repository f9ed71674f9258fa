"""One schedule after the other."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.schedules import curves


@keras.saving.register_keras_serializable(package="keras_momentum")
class Sequence(keras.optimizers.schedules.LearningRateSchedule):
    """Schedules joined at boundaries, each counting steps from its own.

    ```python
    gamma = schedules[0](step)                      if step < boundaries[0]
    gamma = schedules[1](step - boundaries[0])      if step < boundaries[1]
    ...
    gamma = schedules[-1](step - boundaries[-1])    otherwise
    ```

    All of them are evaluated at every step, none at a negative one.

    Args:
        schedules: A list of schedules, of `keras_momentum.schedules` or
            `keras.optimizers.schedules`.
        boundaries: A list of strictly increasing integers >= 1, one fewer than
            `schedules`: the first steps of all but the first schedule.

    Raises:
        ValueError: If one of `schedules` is no schedule, or `boundaries` is not as said
            above.

    Example:

    >>> import keras_momentum
    >>> from keras_momentum.schedules import Constant, LinearRamp, Sequence
    >>> ramp = LinearRamp(initial=0.5, final=0.9, steps=100)
    >>> sequence = Sequence([ramp, Constant(0.0), ramp], boundaries=[200, 210])
    >>> [round(float(sequence(step)), 3) for step in (0, 150, 200, 209, 210, 260)]
    [0.5, 0.9, 0.0, 0.0, 0.5, 0.7]
    >>> optimizer = keras_momentum.Momentum(learning_rate=0.01, momentum=sequence)
    """

    def __init__(self, schedules: Iterable[Any], boundaries: Iterable[int]):
        self.schedules = [
            arguments.schedule(f"schedules[{i}]", schedule)
            for i, schedule in enumerate(schedules)
        ]
        self.boundaries: list[int] = []
        for i, boundary in enumerate(boundaries):
            lowest = self.boundaries[-1] + 1 if self.boundaries else 1
            self.boundaries.append(
                arguments.integer(f"boundaries[{i}]", boundary, minimum=lowest)
            )
        if len(self.boundaries) != len(self.schedules) - 1:
            raise ValueError(
                "Argument `boundaries` must be one fewer than `schedules`, of which "
                f"there are {len(self.schedules)}. "
                f"Received: boundaries={self.boundaries!r}"
            )

    def __call__(self, step: Any) -> Any:
        step = curves.as_step(step)
        value = curves.as_float(self.schedules[0](ops.maximum(step, 0)))
        for boundary, schedule in zip(self.boundaries, self.schedules[1:], strict=True):
            next_value = schedule(ops.maximum(step - boundary, 0))
            value = ops.where(step < boundary, value, curves.as_float(next_value))
        return value

    def get_config(self) -> dict[str, Any]:
        schedules = map(keras.saving.serialize_keras_object, self.schedules)
        return {"schedules": list(schedules), "boundaries": self.boundaries}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Sequence":
        schedules = map(keras.saving.deserialize_keras_object, config["schedules"])
        return cls(**{**config, "schedules": schedules})
