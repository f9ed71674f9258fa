"""The variables of an optimizer that all of its weights share."""

from typing import Any

import keras

from keras_momentum.schedules import curves


def control_variable(
    optimizer: keras.optimizers.Optimizer,
    name: str,
    *,
    value: float | None = None,
    shape: tuple[int, ...] = (),
    dtype: str | None = None,
) -> Any:
    """A variable that changes once an update, to the same value in all replicas.

    Args:
        optimizer: The optimizer that owns it.
        name: Its name.
        value: Its first value. Defaults to 0, or `False`.
        shape: Its shape. Defaults to a scalar.
        dtype: Its dtype. Defaults to `curves.float_type()`.
    """
    return optimizer.add_variable(
        shape=shape,
        initializer="zeros" if value is None else keras.initializers.Constant(value),
        dtype=dtype or curves.float_type(),
        aggregation="only_first_replica",
        name=name,
    )
