"""The abstract optimizer that applies a formula to packs and to single weights."""

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers import backend, packing

# From this many elements on, a compiled update, which passes through memory once, beats
# TensorFlow's operations; below, the call of it costs more than it saves.
MINIMUM_COMPILED_SIZE = 2**20


class Coefficients(NamedTuple):
    """The scalars of one update, in the dtype of the weights.

    Attributes:
        learning_rate: η_t.
        gamma: γ_t, 0 in a restart.
    """

    learning_rate: Any
    gamma: Any

    def cast(self, dtype: str) -> "Coefficients":
        return Coefficients(*(ops.cast(scalar, dtype) for scalar in self))


@dataclasses.dataclass
class _Slots:
    """The slot variables of each pack, and of each weight that is in none."""

    packs: list[tuple[packing.Pack, list[Any]]]
    single: dict[int, list[Any]]


class PackedOptimizer(keras.optimizers.Optimizer, abc.ABC):
    """Abstract base of optimizers whose formula is elementwise.

    A subclass names its slots and writes `update`, once, for a tensor; whether that is
    a pack of small weights or one large weight is decided here. `packing` describes
    how weights are packed.

    On TensorFlow the update of weights of 2^20 elements or more is compiled by XLA even
    where the training step is not. Measured on 2 CPU cores, in ms without : with XLA:
    2^18 elements 2.5 : 2.5, 2^20 4.5 : 3.8, 2^22 10.0 : 7.7, 2^24 19.5 : 14.1. The
    update of a pack is not, as that was slower: 2.7 : 3.0 for 202 weights of 64 × 64
    and 64 elements, 9.1 : 9.6 for those of EfficientNetB0.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def update(
        self, gradient: Any, slots: tuple[Any, ...], coefficients: Coefficients
    ) -> tuple[Any, tuple[Any, ...]]:
        """The formula of the optimizer, elementwise.

        Args:
            gradient: g_t, a tensor of any shape.
            slots: The slots before the update, in the order of `slot_names`, with the
                gradient's shape.
            coefficients: The scalars of this update.

        Returns:
            What is subtracted from the weights, and the slots after the update.
        """

    @abc.abstractmethod
    def coefficients(self, learning_rate: Any) -> Coefficients:
        """The scalars of the next update; called once an update."""

    @abc.abstractmethod
    def advance(self) -> None:
        """Moves on what changes once an update; called when all weights are updated."""

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots, a vector for each pack and a tensor for each large weight.

        Args:
            variables: The list of model variables to train.
        """
        if self.built:
            return
        with backend.eager_creation():
            super().build(variables)
            packs = packing.plan(variables)
            packed = {index for pack in packs for index in pack.indices}
            self._slots = _Slots(
                packs=[
                    (pack, self._pack_slots(number, pack))
                    for number, pack in enumerate(packs)
                ],
                single={
                    index: self._single_slots(variable)
                    for index, variable in enumerate(variables)
                    if index not in packed
                    and not getattr(variable, "overwrite_with_gradient", False)
                },
            )
            self._update_large = backend.xla_compiled(self._update_each)

    def _pack_slots(self, number: int, pack: packing.Pack) -> list[Any]:
        return [
            self.add_variable(
                shape=(pack.size,), dtype=pack.dtype, name=f"pack_{number}_{name}"
            )
            for name in self.slot_names
        ]

    def _single_slots(self, variable: Any) -> list[Any]:
        return [
            self.add_variable_from_reference(variable, name=name)
            for name in self.slot_names
        ]

    def _backend_update_step(
        self,
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
        learning_rate: Any,
    ) -> None:
        # Keras calls this once an update, and `update_step` once a variable. What all
        # variables share is computed here and handed on in the learning rate's place.
        coefficients = self.coefficients(learning_rate)
        gradients = {
            self._get_variable_index(variable): gradient
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        }
        for pack, slots in self._slots.packs:
            self._update_pack(pack, slots, gradients, coefficients)
        large = [i for i in self._slots.single if i in gradients and self._is_large(i)]
        if large:
            self._update_large([gradients.pop(i) for i in large], large, coefficients)
        if gradients:
            super()._backend_update_step(
                list(gradients.values()),
                [self._trainable_variables[i] for i in gradients],
                coefficients,
            )
        self.advance()

    def _update_pack(
        self,
        pack: packing.Pack,
        slots: list[Any],
        gradients: dict[int, Any],
        coefficients: Coefficients,
    ) -> None:
        """Applies the formula to a pack, and takes its gradients out of `gradients`."""
        present = [index in gradients for index in pack.indices]
        if not any(present):
            return
        flat = pack.flatten(
            [
                ops.cast(backend.tensor(gradients.pop(index)), pack.dtype)
                if index in gradients
                else ops.zeros(shape, pack.dtype)
                for index, shape in zip(pack.indices, pack.shapes, strict=True)
            ]
        )
        difference, new_slots = self.update(
            flat, tuple(slot.value for slot in slots), coefficients.cast(pack.dtype)
        )
        if not all(present):
            # A weight without a gradient keeps its slots, as it does in Keras.
            moved = np.repeat(present, pack.sizes)
            new_slots = tuple(
                ops.where(moved, new, slot.value)
                for new, slot in zip(new_slots, slots, strict=True)
            )
        for slot, value in zip(slots, new_slots, strict=True):
            self.assign(slot, value)
        pieces = pack.unflatten(difference)
        for index, here, piece in zip(pack.indices, present, pieces, strict=True):
            if here:
                self.assign_sub(self._trainable_variables[index], piece)

    def _is_large(self, index: int) -> bool:
        size = math.prod(self._trainable_variables[index].shape)
        return size >= MINIMUM_COMPILED_SIZE and not backend.is_distributed()

    def _update_each(
        self, gradients: list[Any], indices: list[int], coefficients: Coefficients
    ) -> None:
        for gradient, index in zip(gradients, indices, strict=True):
            self.update_step(gradient, self._trainable_variables[index], coefficients)

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Coefficients
    ) -> None:
        """Applies the formula to one variable; `learning_rate` is all coefficients."""
        slots = self._slots.single[self._get_variable_index(variable)]
        dtype = keras.backend.standardize_dtype(variable.dtype)
        difference, new_slots = self.update(
            ops.cast(backend.tensor(gradient), dtype),
            tuple(slot.value for slot in slots),
            learning_rate.cast(dtype),
        )
        for slot, value in zip(slots, new_slots, strict=True):
            self.assign(slot, value)
        self.assign_sub(variable, difference)
