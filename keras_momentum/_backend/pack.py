"""Weights that are updated together."""

import dataclasses
import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple


class Kind(NamedTuple):
    """What all weights of a pack have in common, besides dtype and device.

    Attributes:
        decays: Whether weight decay moves them.
        of_formula: What the formula tells them apart by.
        is_elementwise: Whether the formula is; else a pack has weights of one shape.
    """

    decays: bool = False
    of_formula: Hashable = None
    is_elementwise: bool = True


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
        kind: What a formula tells weights apart by.
    """

    indices: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    shares_slots: bool = False
    is_large: bool = False
    is_elementwise: bool = True
    kind: Hashable = None

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.indices, self.dtype, self.kind))

    def __hash__(self) -> int:
        # Hundreds of shapes, several times in each update.
        return self._hash

    @functools.cached_property
    def sizes(self) -> list[int]:
        """The number of elements of each weight."""
        return [math.prod(shape) for shape in self.shapes]

    @functools.cached_property
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


def plan_packs(
    weights: Mapping[int, Any],
    kind: Callable[[Any], Kind],
    dtype_of: Callable[[Any], str],
    place_of: Callable[[Any], Hashable],
    largest_packed: int,
    largest_pack: int,
    largest_stack: int,
    least_large: int,
) -> list[Pack]:
    """Packs in which small weights stand together; see `Backend.plan`.

    Args:
        weights: The weights by their numbers.
        kind: Returns the kind of a weight, which is the same in a pack.
        dtype_of: Returns the dtype of a weight.
        place_of: Returns the device of a weight.
        largest_packed: The largest number of elements of a weight in a pack of several.
        largest_pack: The largest number of elements of such a pack.
        largest_stack: The same of a pack of weights of one shape, where the formula is
            not elementwise.
        least_large: The least number of elements of a weight that is large.
    """
    packs: dict[Hashable, list[list[int]]] = {}
    for index, weight in weights.items():
        size = math.prod(weight.shape)
        of_weight = kind(weight)
        key: Hashable = index
        limit = largest_pack
        if of_weight.is_elementwise and size <= largest_packed:
            key = (dtype_of(weight), place_of(weight), of_weight)
        elif not of_weight.is_elementwise:
            shape, limit = tuple(weight.shape), largest_stack
            key = (dtype_of(weight), place_of(weight), of_weight, shape)
        alike = packs.setdefault(key, [[]])
        filled = sum(math.prod(weights[i].shape) for i in alike[-1])
        if alike[-1] and filled + size > limit:
            alike.append([])
        alike[-1].append(index)
    made = []
    for indices in (each for alike in packs.values() for each in alike):
        first = weights[indices[0]]
        of_first = kind(first)
        is_alone = len(indices) == 1
        made.append(
            Pack(
                tuple(indices),
                tuple(tuple(weights[i].shape) for i in indices),
                dtype_of(first),
                shares_slots=not is_alone,
                is_large=is_alone
                and of_first.is_elementwise
                and math.prod(first.shape) >= least_large,
                is_elementwise=of_first.is_elementwise,
                kind=of_first.of_formula,
            )
        )
    return made
