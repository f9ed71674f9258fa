"""Keras's three ways to clip gradients, on packs."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_momentum._backend import Pack, backend


def clipped(
    optimizer: keras.optimizers.Optimizer, gradients: Mapping[Pack, Any]
) -> dict[Pack, Any]:
    """The gradients as `clipnorm`, `global_clipnorm` or `clipvalue` ask for them.

    Args:
        optimizer: The optimizer with these arguments.
        gradients: The gradients of packs.
    """
    o = backend.scalar_ops
    if optimizer.clipnorm and optimizer.clipnorm > 0:
        limit = optimizer.clipnorm
        return {
            pack: gradient * backend.limited(backend.norms(pack, gradient), limit)
            for pack, gradient in gradients.items()
        }
    if optimizer.global_clipnorm and optimizer.global_clipnorm > 0:
        squares = [backend.squared_norm(each) for each in gradients.values()]
        norm = o.sqrt(sum(squares))
        limit = optimizer.global_clipnorm
        # An infinite norm leaves NaN, not zeros, as it does in Keras.
        scale = limit / o.maximum(norm, limit) + (norm - norm)
        return {
            pack: gradient * backend.cast(scale, pack.dtype)
            for pack, gradient in gradients.items()
        }
    if optimizer.clipvalue and optimizer.clipvalue > 0:
        limit = optimizer.clipvalue
        return {
            pack: backend.maximum(backend.minimum(gradient, limit), -limit)
            for pack, gradient in gradients.items()
        }
    return dict(gradients)
