"""Weights that are updated together."""

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Pack:
    """Weights of one kind, on which the formula is computed at once.

    Attributes:
        indices: Where the weights stand among the optimizer's.
        shapes: Their shapes.
        dtype: Their common dtype.
        shares_slots: Whether one vector holds a slot of all of them, one after the
            other; else every weight has slots of its own.
        is_large: Whether no temporary copy of a weight should be made.
        is_elementwise: Whether the formula is.
    """

    indices: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    shares_slots: bool = False
    is_large: bool = False
    is_elementwise: bool = True

    @functools.cached_property
    def sizes(self) -> list[int]:
        """The number of elements of each weight."""
        return [math.prod(shape) for shape in self.shapes]

    @property
    def size(self) -> int:
        """The number of all elements."""
        return sum(self.sizes)

    def chosen(self, each: Sequence[Any]) -> list[Any]:
        """Those of its weights among `each`, one for each of the optimizer's."""
        return [each[index] for index in self.indices]

    def without(self, missing: frozenset[int]) -> "Pack":
        """The pack of its other weights, if each has slots of its own."""
        kept = [n for n, index in enumerate(self.indices) if index not in missing]
        return dataclasses.replace(
            self,
            indices=tuple(self.indices[n] for n in kept),
            shapes=tuple(self.shapes[n] for n in kept),
        )
