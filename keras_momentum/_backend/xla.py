"""What TensorFlow and JAX have in common: tensors of Keras, and XLA below them."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.backend import standardize_dtype

from keras_momentum._backend.dtypes import float_type, largest
from keras_momentum._backend.pack import Pack

scalar_ops = ops
sqrt, square, maximum, minimum = ops.sqrt, ops.square, ops.maximum, ops.minimum
cast = ops.cast


def assign_scalar(variable: Any, value: Any) -> None:
    """Sets a variable of shape ()."""
    variable.assign(ops.cast(value, variable.dtype))


def whole(scalar: Any) -> Any:
    """A scalar as an integer."""
    return ops.cast(scalar, "int")


def real(scalar: Any) -> Any:
    """A scalar as a float."""
    if isinstance(scalar, float | int):
        # `cast` would make it a float32 first.
        return ops.convert_to_tensor(scalar, float_type())
    return ops.cast(scalar, float_type())


def stacked(scalars: Sequence[Any]) -> Any:
    """A vector of scalars."""
    return ops.stack([ops.convert_to_tensor(scalar) for scalar in scalars])


def parts(vector: Any) -> list[Any]:
    """The scalars of a vector."""
    return list(ops.unstack(vector))


def finite(value: Any) -> Any:
    """A value that is not negative, with the largest number instead of infinity."""
    return ops.minimum(value, largest(standardize_dtype(value.dtype)))


def write_slice(variable: Any, begin: int, values: Sequence[Any]) -> None:
    """Sets elements of a vector to scalars."""
    vector = ops.convert_to_tensor(variable)
    piece = ops.stack([ops.cast(value, vector.dtype) for value in values])
    end = begin + len(values)
    variable.assign(ops.concatenate([vector[:begin], piece, vector[end:]]))


def inner(one: Any, other: Any) -> Any:
    """The sum of the products of all elements, in float32 at least."""
    if standardize_dtype(one.dtype) != "float64":
        one, other = ops.cast(one, "float32"), ops.cast(other, "float32")
    return ops.sum(one * other)


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    """A tensor of zeros."""
    return ops.zeros(shape, dtype)


def select(predicate: Any, value: Callable[[], Any], otherwise: Any) -> Any:
    """`value()` if a scalar is true, else `otherwise`."""
    return ops.where(predicate, value(), otherwise)


def rows(variable: Any) -> list[Any]:
    """The rows of a matrix."""
    return ops.unstack(ops.convert_to_tensor(variable))


def write_rows(variable: Any, rows: Sequence[Any]) -> None:
    """Sets a matrix."""
    variable.assign(ops.stack([ops.cast(row, variable.dtype) for row in rows]))


def limited(norm: Any, limit: float) -> Any:
    """The factor by which a gradient of this norm gets one of at most `limit`."""
    return limit / ops.maximum(norm, limit)


def workspace(pack: Pack) -> None:
    """XLA plans its memory itself."""


def gather(pack: Pack, tensors: Sequence[Any], workspace: None = None) -> Any:
    """One vector of all elements, or the only tensor."""
    if not pack.shares_slots:
        return ops.convert_to_tensor(tensors[0])
    return ops.concatenate(
        [
            tensor if len(shape) == 1 else ops.reshape(tensor, (-1,))
            for tensor, shape in zip(tensors, pack.shapes, strict=True)
        ]
    )


def scatter(pack: Pack, value: Any) -> list[Any]:
    """The inverse of `gather`."""
    if not pack.shares_slots:
        return [value]
    pieces = ops.split(value, np.cumsum(pack.sizes)[:-1].tolist())
    return [
        piece if len(shape) == 1 else ops.reshape(piece, shape)
        for piece, shape in zip(pieces, pack.shapes, strict=True)
    ]


def slot_value(pack: Pack, variables: Sequence[Any]) -> Any:
    """The tensor of the only variable, of a pack or of a weight."""
    return ops.convert_to_tensor(variables[0])


def make_update(
    pack: Pack,
    computation: Callable[..., tuple[Any, dict[str, Any]]],
    gradient: Any,
    slots: Mapping[str, Sequence[Any]],
    weights: Sequence[Any],
    missing: frozenset[int],
    absent: Callable[[Mapping[str, Any]], dict[str, Any]],
    late_slots: Callable[[Any], dict[str, Any]] | None,
    memory: dict[Hashable, Any],
    workspace: None,
    *,
    subtract: Callable[[Any, Any], None] = lambda weight, piece: weight.assign_sub(
        piece
    ),
) -> None:
    """See `Backend.make_update`.

    Besides, `subtract(weight, difference)` changes a weight.
    """
    before = {name: slot_value(pack, slot) for name, slot in slots.items()}
    is_missing = [index in missing for index in pack.indices]
    if all(is_missing):
        new_slots = absent(before)
    else:
        difference, new_slots = computation(
            gradient, before, lambda: gather(pack, weights)
        )
        pieces = scatter(pack, difference)
        for weight, piece, stays in zip(weights, pieces, is_missing, strict=True):
            if not stays:
                subtract(weight, piece)
        if late_slots and pack.is_large:
            new_slots = late_slots(weights[0])
        elif any(is_missing):
            kept = np.repeat(is_missing, pack.sizes)
            of_absent = {**before, **absent(before)}
            new_slots = {
                name: ops.where(kept, ops.cast(of_absent[name], value.dtype), value)
                for name, value in new_slots.items()
            }
    for name, value in new_slots.items():
        slots[name][0].assign(stored(value, slots[name][0].dtype))


def stored(value: Any, dtype: str) -> Any:
    """A value in the dtype of its slot, not infinite unless it is."""
    if (dtype := standardize_dtype(dtype)) == "float16":
        inside = ops.clip(value, -largest(dtype), largest(dtype))
        value = ops.where(ops.isfinite(value), inside, value)
    return ops.cast(value, dtype)


def average(
    pack: Pack, averages: Sequence[Any], weights: Sequence[Any], kept: Any
) -> None:
    """average = kept · average + (1 − kept) · weight, for all weights of a pack."""
    share = ops.cast(kept, pack.dtype)
    mean = share * gather(pack, averages) + (1 - share) * gather(pack, weights)
    for variable, piece in zip(averages, scatter(pack, mean), strict=True):
        variable.assign(piece)


def norms(pack: Pack, gradient: Any) -> Any:
    """The norm of each element's weight: a vector, or a scalar for a single weight."""
    squares = ops.square(gradient)
    if not pack.shares_slots:
        return ops.sqrt(ops.sum(squares))
    weight_of = np.repeat(np.arange(len(pack.sizes), dtype="int32"), pack.sizes)
    of_weights = ops.sqrt(ops.segment_sum(squares, weight_of, len(pack.sizes)))
    return ops.take(of_weights, weight_of)


def opaque(scalars: Any, iteration: Any) -> Any:
    """`scalars`, of which XLA doesn't know what they are.

    Args:
        scalars: A structure of scalar tensors.
        iteration: The number of updates, an integer that is never negative, which XLA
            doesn't know either.
    """
    scalars = keras.tree.map_structure(ops.convert_to_tensor, scalars)
    zeros = keras.tree.map_structure(ops.zeros_like, scalars)
    known = ops.convert_to_tensor(iteration) >= 0
    return ops.cond(known, lambda: scalars, lambda: zeros)


def after(weight: Any, scalar: Any, twin: Any) -> Any:
    """See `Backend.after`."""
    first = ops.reshape(ops.reshape(ops.convert_to_tensor(weight), (-1,))[:1], ())
    return ops.where(first > 0, scalar, twin)


def broken(gradients: Sequence[Any], limit: Callable[[str], float]) -> Any:
    """1 if a gradient has a NaN or an element above its limit, else 0; a scalar."""
    fine = [
        ops.all(ops.abs(gradient) <= limit(standardize_dtype(gradient.dtype)))
        for gradient in gradients
        if gradient is not None
    ]
    return ops.cast(ops.logical_not(ops.all(ops.stack(fine))), "float32")
