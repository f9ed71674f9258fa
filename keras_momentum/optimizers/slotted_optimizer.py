"""The abstract optimizer that owns slots and saves them weight by weight."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_momentum.optimizers import backend
from keras_momentum.optimizers.skipping_optimizer import SkippingOptimizer
from keras_momentum.optimizers.slots import Slots


class SlottedOptimizer(SkippingOptimizer):
    """Abstract base of optimizers whose slots may be shared by several weights.

    Attributes:
        slot_names: The names of the slots, of which every weight has one each.
        slot_dtypes: The dtypes of those that don't have that of their weight.
    """

    slot_names: tuple[str, ...] = ()
    slot_dtypes: dict[str, str]
    # What was loaded before `build`, for the variables that it creates.
    _to_restore: Sequence[np.ndarray] = ()

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots.

        Args:
            variables: The list of model variables to train.
        """
        if self.built:
            return
        known = len(self.variables)
        with backend.eager_creation():
            super().build(variables)
            self._slots = Slots(self, variables, self.slot_names, self.slot_dtypes)
            if self._to_restore:
                self._restore(self._own_variables()[known:], self._to_restore)
                self._to_restore = ()

    def save_own_variables(self, store: Any) -> None:
        """Saves the state, a weight's slots with the weight's shape.

        How weights are packed is not saved, so that another backend, or the same model
        under a distribution, can load the file.
        """
        values = [ops.convert_to_numpy(variable) for variable in self._own_variables()]
        values += self._slots.read() if self.built else self._to_restore
        for number, value in enumerate(values):
            store[str(number)] = value

    def load_own_variables(self, store: Any) -> None:
        """Loads what `save_own_variables` saved, slots as soon as they are built."""
        values = [np.asarray(store[str(number)]) for number in range(len(store.keys()))]
        if not self.built:
            known = len(self.variables)
            values, self._to_restore = values[:known], values[known:]
        self._restore(self._own_variables(), values)

    def _restore(self, own: list[Any], values: Sequence[np.ndarray]) -> None:
        """Sets the variables `own`, and all slots once they are built."""
        shapes = [tuple(variable.shape) for variable in own]
        shapes += self._slots.shapes() if self.built else []
        if [value.shape for value in values] != shapes:
            self._to_restore = ()
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because its "
                "variables and those of the saved optimizer differ in number or shape.",
                stacklevel=2,
            )
            return
        for variable, value in zip(own, values, strict=False):
            variable.assign(value)
        if self.built:
            self._slots.write(values[len(own) :])

    def _own_variables(self) -> list[Any]:
        """All variables but the slots."""
        if not self.built:
            return self.variables
        slots = {id(slot) for slot in self._slots.variables()}
        return [variable for variable in self.variables if id(variable) not in slots]
