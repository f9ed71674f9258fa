"""The abstract optimizer that applies a formula to packs and to single weights."""

import abc
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.optimizers import backend, packing
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.slotted_optimizer import SlottedOptimizer

# From this many elements on, a compiled update, which passes through memory once, beats
# TensorFlow's operations; below, the call of it costs more than it saves.
MINIMUM_COMPILED_SIZE = 2**20


class PackedOptimizer(SlottedOptimizer, abc.ABC):
    """Abstract base of optimizers whose formula is elementwise.

    A subclass writes `update`, once, for a tensor; whether that is a pack of small
    weights or one large weight is decided here. `packing` describes how weights are
    packed.

    Weights of 16 bits are updated in float32, where the coefficients keep their digits
    (in bfloat16 the beta_2 of Adam, 0.999, would be 1).

    On TensorFlow the update of weights of 2^20 elements or more is compiled by XLA even
    where the training step is not. Measured on 2 CPU cores, in ms without : with XLA:
    2^18 elements 2.5 : 2.5, 2^20 4.5 : 3.8, 2^22 10.0 : 7.7, 2^24 19.5 : 14.1. The
    update of a pack is not, as that was slower: 2.7 : 3.0 for 202 weights of 64 × 64
    and 64 elements, 9.1 : 9.6 for those of EfficientNetB0.
    """

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
    def refined(
        self, coefficients: Coefficients, gradients: dict[int, Any]
    ) -> Coefficients:
        """The same once all gradients are known, by the weights' numbers."""

    @abc.abstractmethod
    def advance(self, coefficients: Coefficients) -> None:
        """Moves on what changes once an update; called when all weights are updated."""

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots, a vector for each pack and a tensor for each large weight.

        Args:
            variables: The list of model variables to train.
        """
        if self.built:
            return
        super().build(variables)
        self._update_large = backend.xla_compiled(self._update_each)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        # Dense from the start: with momentum every row of a weight moves at every step,
        # and Keras clips a sparse gradient by another norm where rows occur twice.
        grads = [
            None if gradient is None else backend.tensor(gradient) for gradient in grads
        ]
        super().apply(grads, trainable_variables)

    def _backend_update_step(
        self,
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
        learning_rate: Any,
    ) -> None:
        # Keras calls this once an update, and `update_step` once a variable. What all
        # variables share is computed here and handed on in the learning rate's place.
        gradients = {
            self._get_variable_index(variable): gradient
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        }
        coefficients = self.refined(self.coefficients(learning_rate), gradients)
        for pack, slots in self._slots.packs:
            self._update_pack(pack, slots, gradients, coefficients)
        large = [index for index in gradients if self._is_large(index)]
        if large:
            self._update_large([gradients.pop(i) for i in large], large, coefficients)
        if gradients:
            super()._backend_update_step(
                list(gradients.values()),
                [self._trainable_variables[index] for index in gradients],
                coefficients,
            )
        self.advance(coefficients)

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
        difference, new_slots = self._updated(
            pack.gradient(gradients), slots, coefficients, pack.dtype
        )
        if not all(present):
            # A weight without a gradient keeps its slots, as it does in Keras.
            moved = np.repeat(present, pack.sizes)
            new_slots = tuple(
                ops.where(moved, ops.cast(new, slot.dtype), slot.value)
                for new, slot in zip(new_slots, slots, strict=True)
            )
        self._assign(slots, new_slots)
        pieces = pack.unflatten(difference)
        for index, here, piece in zip(pack.indices, present, pieces, strict=True):
            if here:
                del gradients[index]
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
        difference, new_slots = self._updated(
            gradient, slots, learning_rate, variable.dtype
        )
        self._assign(slots, new_slots)
        self.assign_sub(variable, difference)

    def _updated(
        self, gradient: Any, slots: list[Any], coefficients: Coefficients, dtype: Any
    ) -> tuple[Any, tuple[Any, ...]]:
        """`update` in the dtype of the weights, or in float32 for those of 16 bits."""
        dtype = keras.backend.standardize_dtype(dtype)
        computed = "float32" if dtype in ("float16", "bfloat16") else dtype
        difference, new_slots = self.update(
            ops.cast(gradient, computed),
            tuple(ops.cast(slot.value, computed) for slot in slots),
            coefficients.cast(computed),
        )
        return ops.cast(difference, dtype), new_slots

    def _assign(self, slots: Sequence[Any], values: Sequence[Any]) -> None:
        for slot, value in zip(slots, values, strict=True):
            self.assign(slot, ops.cast(value, slot.dtype))

    def alignment(self, gradients: dict[int, Any], coefficients: Coefficients) -> Any:
        """⟨g_t, v_t⟩ over all weights, where v_t is the first slot after the update."""
        groups = [
            (pack.gradient(gradients), slots, pack.dtype)
            for pack, slots in self._slots.packs
            if any(index in gradients for index in pack.indices)
        ] + [
            (gradients[index], slots, self._trainable_variables[index].dtype)
            for index, slots in self._slots.single.items()
            if index in gradients
        ]
        products = []
        for gradient, slots, dtype in groups:
            _, (velocity, *_) = self._updated(gradient, slots, coefficients, dtype)
            gradient = ops.cast(gradient, velocity.dtype)
            products.append(ops.sum(gradient * velocity))
        dtypes = {keras.backend.standardize_dtype(p.dtype) for p in products}
        widest = "float64" if "float64" in dtypes else "float32"
        return sum(ops.cast(product, widest) for product in products)
