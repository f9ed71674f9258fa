"""The slot variables of an optimizer, and their values weight by weight."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers import packing


class Slots:
    """Slot variables, one of each name for each pack.

    Args:
        optimizer: The optimizer that owns the variables.
        weights: The weights that it trains.
        names: The names of the slots.
        dtypes: The dtypes of those slots that don't have that of their weight.

    Attributes:
        packs: Each pack with its slots, in the order of the names.
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
        plan = packing.plan(self._weights, optimizer._use_weight_decay)
        self.packs: list[tuple[packing.Pack, list[Any]]] = [
            (
                pack,
                [self._slot(optimizer, pack, name, dtypes.get(name)) for name in names],
            )
            for pack in plan
        ]
        self.number_of = {
            index: number for number, pack in enumerate(plan) for index in pack.indices
        }

    def variables(self) -> Iterator[Any]:
        return itertools.chain(*(slots for _, slots in self.packs))

    def weights(self) -> list[Any]:
        """The weights that have slots."""
        return list(self._weights.values())

    def shapes(self) -> list[tuple[int, ...]]:
        """The shapes of all values, in the order of `read`."""
        return [tuple(w.shape) for w in self._weights.values() for _ in self._names]

    def of(self, index: int, name: str) -> Any:
        """The slot `name` of the weight number `index`, a tensor of its shape."""
        pack, slots = self.packs[self.number_of[index]]
        pieces = pack.unflatten(ops.convert_to_tensor(slots[self._names.index(name)]))
        return pieces[pack.indices.index(index)]

    def read(self) -> list[np.ndarray]:
        """All values, weight by weight and in the order of the names."""
        values: dict[int, list[np.ndarray]] = {}
        for pack, slots in self.packs:
            pieces = [pack.unflatten(ops.convert_to_tensor(slot)) for slot in slots]
            for index, *of_weight in zip(pack.indices, *pieces, strict=True):
                values[index] = [ops.convert_to_numpy(piece) for piece in of_weight]
        return [value for index in self._weights for value in values[index]]

    def write(self, values: Sequence[Any]) -> None:
        """Sets all values, given in the order of `read`."""
        each = iter(values)
        by_weight = {i: [next(each) for _ in self._names] for i in self._weights}
        for pack, slots in self.packs:
            for number, slot in enumerate(slots):
                pieces = [by_weight[index][number] for index in pack.indices]
                flat = np.concatenate([np.ravel(piece) for piece in pieces])
                slot.assign(np.reshape(flat, pack.shape))

    def _slot(
        self,
        optimizer: keras.optimizers.Optimizer,
        pack: packing.Pack,
        name: str,
        dtype: str | None,
    ) -> Any:
        if len(pack.indices) > 1:
            return optimizer.add_variable(
                shape=pack.shape,
                dtype=dtype or pack.dtype,
                name=f"pack_{pack.indices[0]}_{name}",
            )
        weight = self._weights[pack.indices[0]]
        if dtype is None:
            return optimizer.add_variable_from_reference(weight, name=name)
        return optimizer.add_variable(
            shape=weight.shape,
            dtype=dtype,
            layout=getattr(weight, "_layout", None),
            name=f"{getattr(weight, 'path', weight.name).replace('/', '_')}_{name}",
        )


def has_slots(weight: Any) -> bool:
    """Whether the formula moves a weight; scales of float8 are overwritten by Keras."""
    return not getattr(weight, "overwrite_with_gradient", False)
