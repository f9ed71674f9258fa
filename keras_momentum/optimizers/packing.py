"""One update for many small weights.

What an optimizer costs on a small weight is a fixed price per variable: slot variables,
graph operations, tracing, arguments of a compiled program. So small weights of one kind
share slot vectors, in *packs*:

    weights     kernel (3, 4)     bias (4,)   kernel (4, 2)   bias (2,)
                 | flatten         |           | flatten       |
    gradient    [12 elements     | 4         | 8             | 2]      concatenated
    slots       [26 elements, one vector for each slot]
    update      [26 elements, the formula applied once]
                 | reshape         |           | reshape       |
    weights     kernel −= ...     bias −= ... kernel −= ...   bias −= ...

A pack ends at `MAXIMUM_PACK_SIZE` elements, so that its vectors stay in the cache of a
core and several packs run beside each other. A larger weight is a pack of its own,
which keeps its shape and is never copied: there the copies into and out of a vector
would cost more than they save. So is every weight under a distribution and on JAX.

On TensorFlow:
    up to 2^12 elements     shared packs
    below 2^14              a pack of its own, a few operations of the graph
    from 2^14 on            a pack of its own, in one call that XLA compiles
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from keras_momentum.optimizers import backend

# Measured on TensorFlow, 2 CPU cores, 202 kernels and biases of 64 × 64, ms a step
# (Keras SGD with momentum: 3.7): packs without a limit 3.2, of 2^16 elements 2.7,
# of 2^15 elements 2.3, of 2^14 elements 2.5.
MAXIMUM_PACK_SIZE = 2**15
# Up to this size a weight is packed, from `MINIMUM_LARGE_SIZE` on XLA compiles its
# update. Between the two neither pays: copies cost more than they save in a step, and
# XLA needs some 8 ms for each shape. Measured in `tests/benchmarks/README.md`.
MAXIMUM_PACKED_VARIABLE_SIZE = 2**12
MINIMUM_LARGE_SIZE = 2**14


@dataclasses.dataclass(frozen=True)
class Pack:
    """Weights that share their slots.

    Attributes:
        indices: Where the weights stand among the optimizer's.
        shapes: Their shapes.
        dtype: Their common dtype.
    """

    indices: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str

    @functools.cached_property
    def sizes(self) -> list[int]:
        return [math.prod(shape) for shape in self.shapes]

    @functools.cached_property
    def size(self) -> int:
        return sum(self.sizes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of its slots: a vector, or that of the only weight."""
        return self.shapes[0] if len(self.shapes) == 1 else (self.size,)

    @property
    def is_large(self) -> bool:
        """Whether it is a weight of which no temporary copy should be made."""
        packed = backend.packing_pays()
        least = MINIMUM_LARGE_SIZE if packed else MAXIMUM_PACKED_VARIABLE_SIZE
        return self.size >= least and len(self.shapes) == 1

    def flatten(self, tensors: Sequence[Any]) -> Any:
        """One vector of the elements of `tensors`, one tensor for each weight."""
        if len(tensors) == 1:
            return ops.convert_to_tensor(tensors[0])
        return ops.concatenate(
            [
                tensor if len(shape) == 1 else ops.reshape(tensor, (-1,))
                for tensor, shape in zip(tensors, self.shapes, strict=True)
            ]
        )

    def chosen(self, variables: Sequence[Any]) -> list[Any]:
        """Those of its weights among `variables`, one for each of the optimizer's."""
        return [variables[index] for index in self.indices]

    def averaged(
        self, averages: Sequence[Any], weights: Sequence[Any], kept: Any
    ) -> list[Any]:
        """kept · average + (1 − kept) · weight, for each of its weights."""
        share = ops.cast(kept, self.dtype)
        mean = share * self.flatten(averages) + (1 - share) * self.flatten(weights)
        return self.unflatten(mean)

    def gradient(self, gradients: dict[int, Any]) -> Any:
        """One vector of those among `gradients` that belong here; 0 for missing ones.

        Args:
            gradients: Gradients by the numbers of their weights.
        """
        return self.flatten(
            [
                ops.cast(gradients[index], self.dtype)
                if index in gradients
                else ops.zeros(shape, self.dtype)
                for index, shape in zip(self.indices, self.shapes, strict=True)
            ]
        )

    def unflatten(self, vector: Any) -> list[Any]:
        """The inverse of `flatten`."""
        if len(self.shapes) == 1:
            return [vector]
        boundaries = list(itertools.accumulate(self.sizes))[:-1]
        pieces = ops.split(vector, boundaries)
        return [
            piece if len(shape) == 1 else ops.reshape(piece, shape)
            for piece, shape in zip(pieces, self.shapes, strict=True)
        ]


def plan(weights: Mapping[int, Any], kind: Callable[[Any], Hashable]) -> list[Pack]:
    """Sorts `weights`, given by their numbers, into packs.

    Args:
        weights: The weights.
        kind: What is the same for all weights of a pack, besides dtype and device.
    """
    packable = backend.packing_pays() and not backend.is_distributed()
    packs: dict[Hashable, list[list[int]]] = {}
    for index, weight in weights.items():
        size = math.prod(weight.shape)
        key: Hashable = index
        if packable and size <= MAXIMUM_PACKED_VARIABLE_SIZE:
            key = (_dtype(weight), backend.device(weight), kind(weight))
        alike = packs.setdefault(key, [[]])
        filled = sum(math.prod(weights[i].shape) for i in alike[-1])
        if alike[-1] and filled + size > MAXIMUM_PACK_SIZE:
            alike.append([])
        alike[-1].append(index)
    return [
        Pack(
            tuple(pack),
            tuple(tuple(weights[i].shape) for i in pack),
            _dtype(weights[pack[0]]),
        )
        for alike in packs.values()
        for pack in alike
    ]


def _dtype(weight: Any) -> str:
    return str(keras.backend.standardize_dtype(weight.dtype))
