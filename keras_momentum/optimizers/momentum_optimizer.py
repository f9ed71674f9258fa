"""The abstract optimizer with a moving gamma and restarts."""

from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.gamma import Gamma, GammaLike
from keras_momentum.optimizers.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.packed_optimizer import PackedOptimizer
from keras_momentum.optimizers.restarts import Restarts
from keras_momentum.schedules import curves


class MomentumOptimizer(PackedOptimizer):
    """Abstract base of the optimizers whose momentum coefficient can move.

    It owns gamma and restarts; the formula of a subclass reads them as coefficients.

    To write an optimizer, name its slots, the velocity first, and write `update`:

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
        restart_when: `None` or `"gradient"`: the next update is a restart when
            ⟨g_t, v_t⟩ < 0, summed over all weights: the velocity points uphill.
        schedule_restarts: Whether a schedule of gamma counts its steps from the last
            restart.
        velocity_dtype: `None` or a float dtype, for example `"bfloat16"`, in which
            velocities are stored. It is rounded once an update, so that changes of
            less than 0.4 % of a bfloat16 velocity are lost: not for gamma above 0.99.
        skip_nonfinite: Whether a step with a NaN or an infinity in any gradient
            leaves weights and state as they are; `skipped_steps` counts such steps.
        **kwargs: The keyword arguments of `keras.optimizers.Optimizer`.

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes".
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent" (`schedule_restarts`).
    """

    slot_names: tuple[str, ...] = ("velocity",)
    scalar_names: ClassVar[tuple[str, ...]] = ()
    gamma_argument: ClassVar[str] = "momentum"
    # Attributes that are arguments of the constructor, besides those of this class.
    argument_names: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        learning_rate: Any,
        gamma: GammaLike,
        **kwargs: Unpack[MomentumArguments],
    ):
        restarts: dict[str, Any] = {
            name: kwargs.pop(name, None)  # type: ignore[misc]
            for name in ("restart_every", "restart_when", "schedule_restarts")
        }
        velocity_dtype = kwargs.pop("velocity_dtype", None)
        super().__init__(learning_rate=learning_rate, **kwargs)
        self._gamma = Gamma(self, gamma, self.gamma_argument)
        self._restarts = Restarts(self, self._gamma, **restarts)
        self.velocity_dtype = velocity_dtype
        self.slot_dtypes = {}
        if velocity_dtype is not None:
            dtype = arguments.float_dtype("velocity_dtype", velocity_dtype)
            self.slot_dtypes = {self.slot_names[0]: dtype}
        self._scalars = [control_variable(self, name) for name in self.scalar_names]

    @property
    def gamma(self) -> Any:
        """The momentum coefficient of the next update, a scalar; 0 ≤ γ ≤ 1.

        Of an optimizer made with a float it can be set at any time and takes effect in
        the next step, without a new trace; it ends a ramp.

        Raises:
            TypeError: If it is set although a schedule or a callable decides it.
            ValueError: If it is set to a number outside [0, 1].
        """
        return self._restarts.gamma(self.iterations)

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
        return self._restarts.every

    @restart_every.setter
    def restart_every(self, value: int | None) -> None:
        self._restarts.every = value

    def restart(self) -> None:
        """Lets the velocity start from zero again in the next update."""
        self._restarts.request()

    def velocity(self, variable: Any) -> Any:
        """The velocity of a weight, a tensor of its shape.

        Args:
            variable: A variable that the optimizer was built with.
        """
        self._check_built()
        self._check_variables_are_known([variable])
        return self._slots.of(self._get_variable_index(variable), self.slot_names[0])

    def velocity_norm(self) -> Any:
        """The Euclidean norm of all velocities together, a float32 scalar."""
        self._check_built()
        velocities = [slots[0] for _, slots in self._slots.packs]
        squares = [ops.sum(ops.square(ops.cast(v, "float32"))) for v in velocities]
        return ops.sqrt(sum(squares))

    def _check_built(self) -> None:
        if not self.built:
            raise ValueError(
                "The optimizer must be built before a velocity is read. Call "
                "`optimizer.build(trainable_variables)` first."
            )

    def new_scalars(self, coefficients: Coefficients) -> tuple[Any, ...]:
        """The optimizer's scalars after the update, in the order of `scalar_names`.

        Args:
            coefficients: The scalars of this update; `new_scalars` is still empty.
        """
        return ()

    def factors(self, coefficients: Coefficients) -> tuple[Any, ...]:
        """Other scalars of the formula, computed once and not for each weight.

        Args:
            coefficients: The scalars of this update; `factors` is still empty.
        """
        return ()

    def coefficients(self, learning_rate: Any) -> Coefficients:
        """η_t, γ_t, γ_{t+1} and the optimizer's own scalars."""
        return Coefficients(
            learning_rate=curves.as_float(learning_rate),
            **self._restarts.coefficients(self.iterations),
            scalars=tuple(backend.tensor(scalar) for scalar in self._scalars),
        )

    def refined(
        self, coefficients: Coefficients, gradients: dict[int, Any]
    ) -> Coefficients:
        """With the restart that the gradient asks for, and the scalars after it."""
        provisional = self._completed(coefficients)
        if self._restarts.when is None:
            return provisional
        alignment = self.alignment(gradients, provisional)
        return self._completed(self._restarts.when_uphill(coefficients, alignment))

    def _completed(self, coefficients: Coefficients) -> Coefficients:
        new_scalars = self.new_scalars(coefficients)
        coefficients = coefficients._replace(new_scalars=new_scalars)
        return coefficients._replace(factors=self.factors(coefficients))

    def advance(self, coefficients: Coefficients) -> None:
        """Moves the scalars, restarts and gamma on to the next update."""
        for scalar, value in zip(self._scalars, coefficients.new_scalars, strict=True):
            scalar.assign(value)
        self._restarts.advance(coefficients, self.iterations)
        self._gamma.advance(self.iterations + 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self.gamma_argument: self._gamma.config(),
            **self._restarts.config(),
            "velocity_dtype": self.velocity_dtype,
            **{name: getattr(self, name) for name in self.argument_names},
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
