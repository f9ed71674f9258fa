"""The slot variables of an optimizer, and their values weight by weight."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum._backend import Kind, Pack, backend


class Slots:
    """The packs of an optimizer's weights, and the variables of their slots.

    Args:
        optimizer: The optimizer that owns the variables.
        weights: The weights that it trains.
        names_of: Returns the names of the slots of weights of a formula's kind.
        dtypes: The dtypes of those slots that don't have that of their weight.
        kind: Returns the kind of a weight, which is the same in a pack.

    Attributes:
        packs: The packs.
    """

    def __init__(
        self,
        optimizer: keras.optimizers.Optimizer,
        weights: Sequence[Any],
        names_of: Callable[[Hashable], Sequence[str]],
        dtypes: Mapping[str, str],
        kind: Callable[[Any], Kind],
    ):
        self._weights = {i: w for i, w in enumerate(weights) if has_slots(w)}
        self.packs = backend.plan(self._weights, kind)
        self._pack_of = {
            i: n for n, pack in enumerate(self.packs) for i in pack.indices
        }
        shared: dict[tuple[int, str], Any] = {}
        self._of_weight: dict[int, dict[str, Any]] = {i: {} for i in self._weights}
        for index, weight in self._weights.items():
            pack = self.packs[self._pack_of[index]]
            for name in names_of(pack.kind):
                dtype = dtypes.get(name)
                if pack.shares_slots:
                    if (pack.indices[0], name) not in shared:
                        shared[pack.indices[0], name] = optimizer.add_variable(
                            shape=(pack.size,),
                            dtype=dtype or pack.dtype,
                            name=f"pack_{pack.indices[0]}_{name}",
                        )
                    whole = shared[pack.indices[0], name]
                    self._of_weight[index][name] = _Part(
                        whole, pack, index, weight, name
                    )
                elif dtype is None:
                    slot = optimizer.add_variable_from_reference(weight, name=name)
                    self._of_weight[index][name] = slot
                else:
                    self._of_weight[index][name] = optimizer.add_variable(
                        shape=weight.shape,
                        dtype=dtype,
                        layout=getattr(weight, "_layout", None),
                        name=_name(weight, name),
                    )
        self._shared = shared
        own = [slot for slot in self.each() if not isinstance(slot, _Part)]
        self._ids = {id(variable) for variable in (*own, *shared.values())}

    def pack_of(self, index: int) -> Pack:
        """The pack of the weight number `index`."""
        return self.packs[self._pack_of[index]]

    def variables(self, pack: Pack) -> dict[str, list[Any]]:
        """The variables of a pack: of each slot one, or one for each weight."""
        first = pack.indices[0]
        if pack.shares_slots:
            return {n: [self._shared[first, n]] for n in self._of_weight[first]}
        return {n: [slot] for n, slot in self._of_weight[first].items()}

    def weights(self) -> list[Any]:
        """The weights that have slots."""
        return list(self._weights.values())

    def of(self, index: int) -> dict[str, Any]:
        """The slots of the weight number `index`, variables of its shape, by name."""
        return self._of_weight[index]

    def each(self) -> Iterator[Any]:
        """All slots, weight by weight and in the order of the names."""
        for slots in self._of_weight.values():
            yield from slots.values()

    def owns(self, variable: Any) -> bool:
        """Whether a variable is one of these, or holds several of them."""
        return id(variable) in self._ids


class _Part:
    """The slot of one weight, where a variable holds those of several.

    It is what the variable of a weight's own would be on another backend, under the
    same path, so that whoever saves or sets an optimizer's variables need not know how
    weights are packed.
    """

    def __init__(self, whole: Any, pack: Pack, index: int, weight: Any, name: str):
        place = pack.indices.index(index)
        self._whole = whole
        self._begin = sum(pack.sizes[:place])
        self._end = self._begin + pack.sizes[place]
        self.shape = pack.shapes[place]
        self.dtype = whole.dtype
        self.name = _name(weight, name)
        *scope, _ = whole.path.split("/")
        self.path = "/".join([*scope, self.name])
        self.trainable = False

    @property
    def value(self) -> Any:
        whole = ops.convert_to_tensor(self._whole)
        return ops.reshape(whole[self._begin : self._end], self.shape)

    def numpy(self) -> np.ndarray:
        return np.array(ops.convert_to_numpy(self.value))

    def assign(self, value: Any) -> Any:
        """Sets the slot of this weight."""
        value = ops.convert_to_tensor(value)
        if tuple(value.shape) != self.shape:
            raise ValueError(
                f"The value of {self.path} must have the shape {self.shape}. "
                f"Received: shape {tuple(value.shape)}"
            )
        whole = ops.convert_to_tensor(self._whole)
        piece = ops.cast(ops.reshape(value, (-1,)), whole.dtype)
        self._whole.assign(
            ops.concatenate([whole[: self._begin], piece, whole[self._end :]])
        )
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self.value if dtype is None else ops.cast(self.value, dtype.name)


def has_slots(weight: Any) -> bool:
    """Whether the formula moves a weight; scales of float8 are overwritten by Keras."""
    return not getattr(weight, "overwrite_with_gradient", False)


def _name(weight: Any, name: str) -> str:
    # As `add_variable_from_reference` has it.
    path = getattr(weight, "path", None) or str(weight.name)
    return f"{path.replace('/', '_').replace(':', '_')}_{name}"
