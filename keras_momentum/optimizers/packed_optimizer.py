"""The abstract optimizer that applies a formula to packs and to single weights."""

import abc
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_momentum.optimizers import backend, clipping, packing
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.slotted_optimizer import SlottedOptimizer
from keras_momentum.schedules import curves


class PackedOptimizer(SlottedOptimizer, abc.ABC):
    """Abstract base of optimizers whose formula is elementwise.

    A subclass writes `update`, once, for a tensor; whether that is a pack of small
    weights or one large weight is decided here. `packing` describes how weights are
    packed.

    Weights of 16 bits are updated in float32, where the coefficients keep their digits
    (in bfloat16 the beta_2 of Adam, 0.999, would be 1).

    On TensorFlow large weights are updated in one call that XLA compiles, even where
    the training step is not compiled: it makes no temporary tensors. Packs are not, as
    the call costs more than it saves there. Clipping, weight decay and the moving
    average take the same way; under a distribution Keras does them, one by one.

    Attributes:
        weights_first: Whether the difference reads slots of before the update. XLA for
            CPUs would copy those, unless it has to change the weights first.
    """

    weights_first = False

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
        """The same once all gradients are known, by the packs' numbers."""

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
        self._compiled_update = backend.xla_compiled(self._update)
        self._compiled_average = backend.xla_compiled(self._average)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        # Dense from the start: with momentum every row of a weight moves at every step,
        # and Keras clips a sparse gradient by another norm where rows occur twice.
        grads = [
            None if gradient is None else backend.tensor(gradient) for gradient in grads
        ]
        with backend.after_batch(grads):
            super().apply(grads, trainable_variables)

    def _backend_update_step(
        self,
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
        learning_rate: Any,
    ) -> None:
        # Keras calls this once an update, and `update_step` once a variable. What all
        # variables share is computed here and handed on in the learning rate's place.
        by_index = {
            self._get_variable_index(variable): gradient
            for gradient, variable in zip(grads, trainable_variables, strict=True)
        }
        gradients = {
            number: pack.gradient(by_index)
            for number, (pack, _) in enumerate(self._slots.packs)
            if any(index in by_index for index in pack.indices)
        }
        if not (distributed := backend.is_distributed()):
            packs = {number: self._slots.packs[number][0] for number in gradients}
            gradients = clipping.clipped(self, gradients, packs)
        gradients = backend.computed_first(gradients)
        coefficients = self.refined(self.coefficients(learning_rate), gradients)
        if distributed:
            super()._backend_update_step(grads, trainable_variables, coefficients)
        else:
            coefficients = backend.once(coefficients, self.iterations)
            missing = [i for i in self._slots.number_of if i not in by_index]
            small, large = self._by_size(gradients)
            self._update([gradients[n] for n in small], small, missing, coefficients)
            if large:
                of_large = [gradients[n] for n in large]
                self._compiled_update(of_large, large, missing, coefficients)
        self.advance(coefficients)

    def _update(
        self,
        gradients: list[Any],
        numbers: list[int],
        missing: list[int],
        coefficients: Coefficients,
    ) -> None:
        """Applies the formula to the packs `numbers`; weights in `missing` stay."""
        packs = [self._slots.packs[number] for number in numbers]
        ordered = self.weights_first and backend.compiles_for_cpu(self.iterations)
        if ordered and any(pack.is_large for pack, _ in packs):
            twin = backend.opaque(coefficients.gamma, self.iterations)
        for gradient, (pack, slots) in zip(gradients, packs, strict=True):
            weights = pack.chosen(self._trainable_variables)
            difference, new_slots = self._updated(pack, gradient, slots, coefficients)
            difference = self._decayed(difference, pack, weights, coefficients)
            pieces = pack.unflatten(difference)
            for index, weight, piece in zip(pack.indices, weights, pieces, strict=True):
                if index not in missing:
                    self.assign_sub(weight, piece)
            if ordered and pack.is_large:
                gamma = backend.after(weights[0], coefficients.gamma, twin)
                later = coefficients._replace(gamma=gamma)
                _, new_slots = self._updated(pack, gradient, slots, later)
            self._assign(pack, slots, new_slots, missing)

    def update_step(
        self, gradient: Any, variable: Any, learning_rate: Coefficients
    ) -> None:
        """Applies the formula to one variable; `learning_rate` is all coefficients."""
        number = self._slots.number_of[self._get_variable_index(variable)]
        pack, slots = self._slots.packs[number]
        difference, new_slots = self._updated(pack, gradient, slots, learning_rate)
        self._assign(pack, slots, new_slots, missing=[])
        self.assign_sub(variable, ops.cast(difference, pack.dtype))

    def _updated(
        self,
        pack: packing.Pack,
        gradient: Any,
        slots: list[Any],
        coefficients: Coefficients,
    ) -> tuple[Any, tuple[Any, ...]]:
        """`update` in the dtype of the weights, or in float32 for those of 16 bits."""
        computed = "float32" if pack.dtype in ("float16", "bfloat16") else pack.dtype
        return self.update(
            ops.cast(gradient, computed),
            tuple(ops.cast(slot.value, computed) for slot in slots),
            coefficients.cast(computed),
        )

    def _decayed(
        self,
        difference: Any,
        pack: packing.Pack,
        weights: list[Any],
        coefficients: Coefficients,
    ) -> Any:
        """What is subtracted from a pack; its weights decay alike, see `plan`."""
        if self.weight_decay and self._use_weight_decay(weights[0]):
            decay = ops.cast(coefficients.learning_rate, difference.dtype)
            flat = ops.cast(pack.flatten(weights), difference.dtype)
            difference = difference + decay * self.weight_decay * flat
        return ops.cast(difference, pack.dtype)

    def _assign(
        self,
        pack: packing.Pack,
        slots: Sequence[Any],
        values: Sequence[Any],
        missing: Sequence[int],
    ) -> None:
        for slot, value in zip(slots, values, strict=True):
            value = ops.cast(value, slot.dtype)
            if any(index in missing for index in pack.indices):
                # A weight without a gradient keeps its slots, as it does in Keras.
                present = [index not in missing for index in pack.indices]
                value = ops.where(np.repeat(present, pack.sizes), value, slot.value)
            self.assign(slot, value)

    def _by_size(self, numbers: Collection[int]) -> tuple[list[int], list[int]]:
        """The packs of small weights, and the large weights."""
        large = [n for n in numbers if self._slots.packs[n][0].is_large]
        return [n for n in numbers if n not in large], large

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        return super()._clip_gradients(grads) if backend.is_distributed() else grads

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        if backend.is_distributed():
            super()._apply_weight_decay(variables)

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        if backend.is_distributed():
            super()._update_model_variables_moving_average(trainable_variables)
            return
        small, large = self._by_size(range(len(self._slots.packs)))
        kept = curves.as_float(backend.tensor(self.iterations) > 0) * self.ema_momentum
        self._average(small, kept)
        if large:
            self._compiled_average(large, kept)

    def _average(self, numbers: list[int], kept: Any) -> None:
        for number in numbers:
            pack, _ = self._slots.packs[number]
            averages = pack.chosen(self._model_variables_moving_average)
            means = pack.averaged(
                averages, pack.chosen(self._trainable_variables), kept
            )
            for average, mean in zip(averages, means, strict=True):
                self.assign(average, mean)
