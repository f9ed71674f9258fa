"""The state of an optimizer in the hands of others."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops


def saved(optimizer: Any) -> list[np.ndarray]:
    """The values of all variables, and of those that wait for `build`."""
    values = [np.asarray(ops.convert_to_numpy(v)) for v in optimizer.variables]
    return values if optimizer.built else [*values, *optimizer._to_restore]


def load(optimizer: Any, values: Sequence[np.ndarray]) -> None:
    """Sets all variables; before `build` those that there are, and keeps the others."""
    variables = optimizer.variables
    if not optimizer.built:
        optimizer._to_restore = values[len(variables) :]
        values = values[: len(variables)]
    _assign(optimizer, variables, values)


def restore(optimizer: Any, known: int) -> None:
    """Sets what `build` created to what was loaded before.

    Args:
        optimizer: The optimizer, which has just got its slots.
        known: The number of variables that it had before.
    """
    values, optimizer._to_restore = optimizer._to_restore, ()
    if len(values):
        _assign(optimizer, optimizer.variables[known:], values)


def set_variables(optimizer: Any, values: Sequence[Any]) -> None:
    """Sets all variables, or none.

    Raises:
        ValueError: If the optimizer is not built, or the values don't fit.
    """
    if not optimizer.built:
        raise ValueError(
            "You are calling `set_weights()` on an optimizer that has not yet been "
            "built. Call `optimizer.build(trainable_variables)` first."
        )
    variables = optimizer.variables
    if len(values) != len(variables):
        raise ValueError(
            f"Argument `weights` must have a value for each of the {len(variables)} "
            f"variables of the optimizer. Received: {len(values)} values"
        )
    for variable, value in zip(variables, values, strict=True):
        if tuple(np.shape(value)) != tuple(variable.shape):
            raise ValueError(
                f"Argument `weights` must have the shape {tuple(variable.shape)} for "
                f"{variable.path}. Received: shape {tuple(np.shape(value))}"
            )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _assign(
    optimizer: Any, variables: Sequence[Any], values: Sequence[np.ndarray]
) -> None:
    shapes = [tuple(variable.shape) for variable in variables]
    if [value.shape for value in values] != shapes:
        optimizer._to_restore = ()
        warnings.warn(
            f"Skipping variable loading for optimizer '{optimizer.name}', because its "
            "variables and those of the saved optimizer differ in number or shape.",
            stacklevel=3,
        )
        return
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
