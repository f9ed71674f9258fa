"""What the update of a pack needs on TensorFlow besides what XLA's backends share."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.backend import in_stateless_scope
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from keras_momentum._backend import xla
from keras_momentum._backend.interface import Computation
from keras_momentum._backend.pack import Pack


def spread(
    vector: Any,
    packs: Sequence[Pack],
    is_apart: Any,
    was_apart: Callable[[], bool],
) -> list[Any]:
    """See `Backend.spread`.

    Where the weights of no pack are apart, one element for each pack is all that is
    copied; whether they are is found out in the step.
    """
    shared = [pack for pack in packs if pack.shares_slots]
    first = [pack.indices[0] for pack in shared]
    sizes = [pack.size for pack in shared]
    pieces: Iterator[Any] = iter(())
    if shared:
        each = np.concatenate([np.repeat(p.indices, p.sizes) for p in shared])
        if GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()):
            pieces = iter(_static(vector, first, sizes, each, is_apart, was_apart()))
        else:
            pieces = iter(_dynamic(vector, first, sizes, each, is_apart))
    return [
        next(pieces) if pack.shares_slots else vector[pack.indices[0]] for pack in packs
    ]


def _dynamic(
    vector: Any, first: list[int], sizes: list[int], each: np.ndarray, is_apart: Any
) -> list[Any]:
    """One for each pack, or for each element; which, depends on `is_apart`."""
    apart = tf.cast(is_apart > 0, tf.int32)
    together = 1 - apart
    # The weights of all elements, and behind them the first ones of all packs.
    weights = tf.constant([*each, *first], tf.int32)
    begin = together * len(each)
    length = apart * len(each) + together * len(first)
    chosen = tf.gather(vector, tf.slice(weights, [begin], [length]))
    lengths = apart * (np.array(sizes, np.int32) - 1) + 1
    return tf.split(chosen, lengths, num=len(sizes))


def _static(
    vector: Any,
    first: list[int],
    sizes: list[int],
    each: np.ndarray,
    is_apart: Any,
    was_apart: bool,
) -> list[Any]:
    """The same for XLA, which must know all shapes: as it was when it was traced.

    A step that was traced before weights went apart, and runs after that, gives NaN.
    """
    if was_apart:
        return tf.split(tf.gather(vector, each), sizes)
    ones = tf.gather(vector, first)
    return tf.unstack(tf.where(is_apart > 0, tf.cast(math.nan, ones.dtype), ones))


def make_update(
    pack: Pack,
    computation: Computation,
    gradient: Any,
    slots: Mapping[str, Sequence[Any]],
    *arguments: Any,
) -> None:
    """See `Backend.make_update`."""
    shape = next(iter(slots.values()))[0].shape

    def with_known_shapes(*values: Any) -> tuple[Any, dict[str, Any]]:
        # What `spread` returns may have any length.
        difference, new_slots = computation(*values)
        for value in (difference, *new_slots.values()):
            value.set_shape(shape)
        return difference, new_slots

    xla.make_update(
        pack, with_known_shapes, gradient, slots, *arguments, subtract=_subtract
    )


def _subtract(weight: Any, piece: Any) -> None:
    """One operation, where Keras's variables read, subtract, round and assign."""
    if not isinstance(weight, keras.Variable):
        piece = tf.cast(piece, weight.dtype)
    elif weight.dtype == piece.dtype and not in_stateless_scope():
        weight = weight.value
    weight.assign_sub(piece)
