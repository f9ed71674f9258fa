"""The slot variables of an optimizer, and their values weight by weight."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers import packing


class Slots:
    """Slot variables: one for each pack, and one for each weight that is in none.

    Args:
        optimizer: The optimizer that owns the variables.
        weights: The weights that it trains.
        names: The names of the slots.
        dtypes: The dtypes of those slots that don't have that of their weight.

    Attributes:
        packs: Each pack with its slots, in the order of the names.
        single: The slots of the other weights, by the weights' numbers.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        weights: Sequence[Any],
        names: Sequence[str],
        dtypes: dict[str, str],
    ):
        self._names = list(names)
        self._weights = {i: w for i, w in enumerate(weights) if has_slots(w)}
        packs = packing.plan(self._weights)
        self.packs: list[tuple[packing.Pack, list[Any]]] = [
            (
                pack,
                [
                    optimizer.add_variable(
                        shape=(pack.size,),
                        dtype=dtypes.get(name, pack.dtype),
                        name=f"pack_{number}_{name}",
                    )
                    for name in names
                ],
            )
            for number, pack in enumerate(packs)
        ]
        packed = {index for pack in packs for index in pack.indices}
        self.single: dict[int, list[Any]] = {
            index: [
                _slot_of(optimizer, weight, name, dtypes.get(name)) for name in names
            ]
            for index, weight in self._weights.items()
            if index not in packed
        }

    def variables(self) -> Iterator[Any]:
        return itertools.chain(
            *(slots for _, slots in self.packs), *self.single.values()
        )

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all values, in the order of `read`."""
        return [tuple(w.shape) for w in self._weights.values() for _ in self._names]

    def of(self, index: int, name: str) -> Any:
        """The slot `name` of the weight number `index`, a tensor of its shape."""
        number = self._names.index(name)
        if index in self.single:
            return ops.convert_to_tensor(self.single[index][number])
        for pack, slots in self.packs:
            if index in pack.indices:
                pieces = pack.unflatten(slots[number].value)
                return pieces[pack.indices.index(index)]
        raise KeyError(index)

    def read(self) -> list[np.ndarray]:
        """All values, weight by weight and in the order of the names."""
        values = {
            index: [ops.convert_to_numpy(slot) for slot in slots]
            for index, slots in self.single.items()
        }
        for pack, slots in self.packs:
            pieces = [pack.unflatten(slot.value) for slot in slots]
            for index, *of_weight in zip(pack.indices, *pieces, strict=True):
                values[index] = [ops.convert_to_numpy(piece) for piece in of_weight]
        return [value for index in self._weights for value in values[index]]

    def write(self, values: Sequence[Any]) -> None:
        """Sets all values, given in the order of `read`."""
        each = iter(values)
        by_weight = {i: [next(each) for _ in self._names] for i in self._weights}
        for index, slots in self.single.items():
            for slot, value in zip(slots, by_weight[index], strict=True):
                slot.assign(value)
        for pack, slots in self.packs:
            for number, slot in enumerate(slots):
                pieces = [by_weight[index][number] for index in pack.indices]
                slot.assign(np.concatenate([np.ravel(piece) for piece in pieces]))


def has_slots(weight: Any) -> bool:
    """Whether the formula moves a weight; scales of float8 are overwritten by Keras."""
    return not getattr(weight, "overwrite_with_gradient", False)


def _slot_of(
    optimizer: keras.optimizers.Optimizer, weight: Any, name: str, dtype: str | None
) -> Any:
    if dtype is None:
        return optimizer.add_variable_from_reference(weight, name=name)
    return optimizer.add_variable(
        shape=weight.shape,
        dtype=dtype,
        layout=getattr(weight, "_layout", None),
        name=f"{getattr(weight, 'path', weight.name).replace('/', '_')}_{name}",
    )
