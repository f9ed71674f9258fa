"""The abstract optimizer: gamma, restarts and the packed update."""

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend, packing
from keras_momentum.optimizers.gamma import Gamma, GammaLike

# From this many elements on, one pass of a compiled update through a variable's memory
# beats TensorFlow's operations (2 CPU cores, ms against ms: 2^18 elements 2.5 : 2.6,
# 2^20 3.8 : 4.5, 2^22 7.7 : 10.0, 2^24 14.1 : 19.5; below, its call costs more).
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


class MomentumOptimizer(keras.optimizers.Optimizer, abc.ABC):
    """Abstract base of the optimizers whose momentum coefficient can move.

    It owns gamma, restarts and the slots, and applies the formula of a subclass to
    packs of small weights and to single large ones.

    To write an optimizer, name its slots and write `update`:

    ```python
    class Momentum(MomentumOptimizer):
        slot_names = ("velocity",)

        def update(self, gradient, slots, coefficients):
            (velocity,) = slots
            velocity = coefficients.gamma * velocity + (
                coefficients.learning_rate * gradient
            )
            return velocity, (velocity,)
    ```

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`
            instance, or a callable that takes no arguments and returns the value.
        gamma: A float in [0, 1], a schedule, or a callable without arguments.
        restart_every: `None` or an integer >= 1. The velocity restarts from zero
            before every update t > 0 that is a multiple of it.
        **kwargs: The keyword arguments of `keras.optimizers.Optimizer`.
    """

    slot_names: ClassVar[tuple[str, ...]] = ("velocity",)
    gamma_argument: ClassVar[str] = "momentum"

    def __init__(
        self,
        learning_rate: Any,
        gamma: GammaLike,
        restart_every: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self._gamma = Gamma(self, gamma, self.gamma_argument)
        if restart_every is not None:
            arguments.integer("restart_every", restart_every, minimum=1)
        self._restart_every = self.add_variable(
            shape=(),
            initializer=keras.initializers.Constant(restart_every or 0),
            dtype="int",
            aggregation="only_first_replica",
            name="restart_every",
        )
        self._restart_requested = self.add_variable(
            shape=(),
            initializer="zeros",
            dtype="bool",
            aggregation="only_first_replica",
            name="restart_requested",
        )

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

    @property
    def gamma(self) -> Any:
        """The momentum coefficient of the next update, a scalar; 0 ≤ γ ≤ 1.

        Of an optimizer made with a float it can be set at any time and takes effect in
        the next step, without a new trace; it ends a ramp.

        Raises:
            TypeError: If it is set although a schedule or a callable decides it.
            ValueError: If it is set to a number outside [0, 1].
        """
        return self._gamma(self.iterations)

    @gamma.setter
    def gamma(self, value: Any) -> None:
        self._gamma.assign(value)

    @property
    def gamma_is_settable(self) -> bool:
        """Whether gamma can be set: no schedule and no callable decides it."""
        return self._gamma.source is None

    def ramp_gamma(
        self, initial: float, final: float, *, steps: int, begin: int | None = None
    ) -> None:
        """Lets gamma go in a straight line, in the compiled training step.

        Gamma is `initial` up to the update `begin` and `final` from `begin + steps`
        on. The ramp is kept in variables, is saved with the optimizer and ends when
        `gamma` is set.

        Args:
            initial: A float in [0, 1].
            final: A float in [0, 1].
            steps: An integer >= 1, in updates.
            begin: An integer, the update at which the ramp begins. Defaults to the
                next one, `optimizer.iterations`.

        Raises:
            TypeError: If a schedule or a callable decides gamma.
            ValueError: If an argument is not as said above.
        """
        iteration = int(ops.convert_to_numpy(self.iterations))
        if begin is None:
            begin = iteration
        self._gamma.ramp(initial, final, begin, steps, iteration)

    @property
    def restart_every(self) -> int | None:
        """The number of updates between restarts, or `None`. It can be set any time."""
        return int(ops.convert_to_numpy(self._restart_every)) or None

    @restart_every.setter
    def restart_every(self, value: int | None) -> None:
        if value is not None:
            arguments.integer("restart_every", value, minimum=1)
        self._restart_every.assign(value or 0)

    def restart(self) -> None:
        """Lets the velocity start from zero again in the next update."""
        self._restart_requested.assign(True)

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
        coefficients = self._coefficients(learning_rate)
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
        self._restart_requested.assign(False)
        self._gamma.advance(self.iterations + 1)

    def _coefficients(self, learning_rate: Any) -> Coefficients:
        iteration = self.iterations
        every = self._restart_every
        due = ops.logical_and(
            ops.logical_and(every > 0, iteration > 0),
            ops.equal(ops.mod(iteration, ops.maximum(every, 1)), 0),
        )
        restart = ops.logical_or(self._restart_requested, due)
        gamma = backend.tensor(self._gamma(iteration))
        return Coefficients(
            learning_rate=backend.tensor(learning_rate),
            gamma=ops.where(restart, ops.zeros_like(gamma), gamma),
        )

    def _update_pack(
        self,
        pack: packing.Pack,
        slots: list[Any],
        gradients: dict[int, Any],
        coefficients: Coefficients,
    ) -> None:
        """Applies the formula to a pack, and takes its gradients out of `gradients`."""
        present = [index in gradients for index in pack.indices]
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
        for index, piece in zip(pack.indices, pack.unflatten(difference), strict=True):
            if present[pack.indices.index(index)]:
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

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self.gamma_argument: self._gamma.config(),
            "restart_every": self.restart_every,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "MomentumOptimizer":
        config = dict(config)
        gamma = config.get(cls.gamma_argument)
        if isinstance(gamma, dict):
            config[cls.gamma_argument] = keras.saving.deserialize_keras_object(
                gamma, custom_objects=custom_objects
            )
        return super().from_config(config, custom_objects=custom_objects)
