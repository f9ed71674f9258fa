"""The abstract optimizer with a moving gamma and restarts."""

from typing import Any, ClassVar

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.gamma import Gamma, GammaLike
from keras_momentum.optimizers.packed_optimizer import Coefficients, PackedOptimizer


class MomentumOptimizer(PackedOptimizer):
    """Abstract base of the optimizers whose momentum coefficient can move.

    It owns gamma and restarts; the formula of a subclass reads them as coefficients.

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

    def coefficients(self, learning_rate: Any) -> Coefficients:
        """η_t, and γ_t or 0 in a restart."""
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

    def advance(self) -> None:
        """Ends a requested restart and moves gamma along its ramp."""
        self._restart_requested.assign(False)
        self._gamma.advance(self.iterations + 1)

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
