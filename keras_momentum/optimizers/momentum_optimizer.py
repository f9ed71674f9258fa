"""The abstract optimizer with a moving gamma and restarts."""

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.gamma import Gamma, GammaLike
from keras_momentum.optimizers.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.observed_optimizer import ObservedOptimizer
from keras_momentum.optimizers.restarts import Restarts
from keras_momentum.schedules import curves


class MomentumOptimizer(ObservedOptimizer):
    """Abstract base of the optimizers whose momentum coefficient can move.

    It owns gamma and restarts; the formula of a subclass reads them as coefficients. To
    write an optimizer, name its slots, the velocity first, and write `update`:

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
    # Whether the velocity is an average of the gradients, and not a sum.
    velocity_is_average: ClassVar[bool] = False
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
        the next step, without a new trace; it ends a ramp or plan.

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

    @property
    def effective_learning_rate(self) -> float:
        """What a constant gradient is multiplied by in the end.

        η/(1 − γ), or η where the velocity is an average (`MomentumAdam`).
        """
        rate = float(ops.convert_to_numpy(self.learning_rate))
        gamma = float(ops.convert_to_numpy(self.gamma))
        share = 1.0 if self.velocity_is_average else 1.0 - gamma
        return rate / share if share else math.inf

    def ramp_gamma(
        self, initial: float, final: float, *, steps: int, begin: int | None = None
    ) -> None:
        """Lets gamma go in a straight line, in the compiled training step.

        Gamma is `initial` up to the update `begin` and `final` from `begin + steps` on.
        The ramp is saved with the optimizer and ends when `gamma` is set.

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
        ends = [
            arguments.coefficient("initial", initial),
            arguments.coefficient("final", final),
        ]
        now = self._next_iteration()
        self._gamma.follow(ends, now if begin is None else begin, steps, now)

    def plan_gamma(self, values: Sequence[float]) -> None:
        """Gives each of the next updates its own gamma, in the compiled training step.

        Args:
            values: 1 to 1024 floats in [0, 1]; the last one stays.

        Raises:
            TypeError: If a schedule or a callable decides gamma.
            ValueError: If `values` is not as said.
        """
        iteration = self._next_iteration()
        self._gamma.follow(values, iteration, 1, iteration)

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

    @property
    def restarts(self) -> int:
        """The number of updates that were restarts."""
        return self._restarts.count

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
        if self.is_observed:
            self.look(gradients, provisional)
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
        self._gamma.advance(coefficients.scheduled[1])
        self._advance_learning_rate(self.iterations + 1)

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
