"""Keras's three ways to clip gradients, on packs."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers.packing import Pack


def clipped(
    optimizer: keras.optimizers.Optimizer,
    gradients: dict[int, Any],
    packs: dict[int, Pack],
) -> dict[int, Any]:
    """The gradients as `clipnorm`, `global_clipnorm` or `clipvalue` ask for them.

    Args:
        optimizer: The optimizer with these arguments.
        gradients: The gradients of packs, by the packs' numbers.
        packs: The packs, by their numbers.
    """
    if optimizer.clipnorm and optimizer.clipnorm > 0:
        limit = optimizer.clipnorm
        return {
            number: gradient * _scale(_norms(packs[number], gradient), limit)
            for number, gradient in gradients.items()
        }
    if optimizer.global_clipnorm and optimizer.global_clipnorm > 0:
        squares = [ops.sum(ops.square(gradient)) for gradient in gradients.values()]
        norm = ops.sqrt(sum(ops.cast(square, "float32") for square in squares))
        scale = _scale(norm, optimizer.global_clipnorm)
        # An infinite norm leaves NaN, not zeros, as it does in Keras.
        scale = scale + (norm - norm)
        return {
            number: gradient * ops.cast(scale, gradient.dtype)
            for number, gradient in gradients.items()
        }
    if optimizer.clipvalue and optimizer.clipvalue > 0:
        limit = optimizer.clipvalue
        return {n: ops.clip(g, -limit, limit) for n, g in gradients.items()}
    return gradients


def _scale(norm: Any, limit: float) -> Any:
    return limit / ops.maximum(norm, limit)


def _norms(pack: Pack, gradient: Any) -> Any:
    """The norm of each element's weight: a vector, or a scalar for a single weight."""
    squares = ops.square(gradient)
    if len(pack.sizes) == 1:
        return ops.sqrt(ops.sum(squares))
    weight_of = np.repeat(np.arange(len(pack.sizes), dtype="int32"), pack.sizes)
    norms = ops.sqrt(ops.segment_sum(squares, weight_of, len(pack.sizes)))
    return ops.take(norms, weight_of)
