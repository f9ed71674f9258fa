"""By what an optimizer is moved and looked at."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum._hyperparameters import (
    Hyperparameters,
    LearningRate,
    Moving,
    MovingDecay,
)
from keras_momentum._numbers import number
from keras_momentum.optimizers._parts.formula import Formula
from keras_momentum.optimizers._parts.nonfinite import Nonfinite
from keras_momentum.optimizers._parts.observer import Observation, Observer
from keras_momentum.optimizers._parts.restarts import Restarts
from keras_momentum.optimizers._parts.slots import Slots
from keras_momentum.optimizers._parts.step import Asked, Values


class Handles(Formula):
    """The public properties and methods of `MomentumOptimizer`, which ask its parts."""

    # Of `MomentumOptimizer`,
    _hyperparameters: Hyperparameters
    _rate: LearningRate
    _restarts: Restarts
    _observer: Observer
    _nonfinite: Nonfinite
    _slots: Slots
    # and of Keras's optimizers.
    built: bool
    iterations: Any
    _get_current_learning_rate: Callable[[], Any]
    _check_variables_are_known: Callable[[list[Any]], None]
    _get_variable_index: Callable[[Any], int]

    gamma = momentum = beta_1 = Moving(
        "[0, 1]",
        """The momentum coefficient of the next update, a scalar; 0 ≤ γ ≤ 1.

        Of an optimizer made with a float it can be set at any time and takes effect in
        the next step, without a new trace; it ends a ramp or plan. `momentum` and
        `beta_1` are other names of it.

        Raises:
            TypeError: If it is set although a schedule or a callable decides it.
            ValueError: If it is set to a number outside [0, 1].
        """,
        looks_ahead=True,
    )
    weight_decay = MovingDecay(
        "[0, inf)",
        """The decoupled weight decay λ of the next update, w −= η λ w, or `None`.

        It moves as gamma does. With `None` there is nothing of it in the compiled step,
        so that it can't move; `0.0` is a weight decay that can.
        """,
    )

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update; setting it ends a ramp or plan."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate.set(value)

    @property
    def effective_learning_rate(self) -> float:
        """What a constant gradient is multiplied by in the end.

        η/(1 − γ); η where the velocity is an average (`MomentumAdam`, `Muon`), η (1 +
        α) for `AdEMAMix`, and η Σ w/(1 − γ) over the velocities of `AggMo`.
        """
        return number(self.learning_rate) * self.gain(number(self.gamma))

    @property
    def hyperparameters(self) -> dict[str, Any]:
        """All that moves or can move, by name; gamma is "gamma" whatever it is called.

        Each has a `name`, its `argument` in the constructor, and says whether it
        `is_settable` and `is_moving`: whether no schedule and no callable decides it,
        and whether one of them or a ramp or plan does.
        """
        return dict(self._hyperparameters.each)

    def hyperparameter(self, name: str) -> Any:
        """The one of `hyperparameters` with a name, by any of its names.

        Args:
            name: As in `ramp`.

        Raises:
            ValueError: If there is none.
        """
        return self._hyperparameters.named(name)

    def ramp(
        self,
        name: str,
        initial: float,
        final: float,
        *,
        steps: int,
        begin: int | None = None,
    ) -> None:
        """Moves a hyper-parameter in a straight line, in the compiled training step.

        It is `initial` up to the update `begin` and `final` from `begin + steps` on.
        The ramp is saved with the optimizer and ends when the hyper-parameter is set.

        Args:
            name: `"learning_rate"`, or `"gamma"`, `"momentum"` or `"beta_1"`, which are
                the same, or that of another hyper-parameter, `"weight_decay"` or
                `"beta_2"` for example.
            initial: A float that it may be, in [0, 1] for gamma.
            final: A float likewise.
            steps: An integer >= 1, in updates.
            begin: An integer, the update at which the ramp begins. Defaults to the
                next one, `optimizer.iterations`.

        Raises:
            TypeError: If a schedule or a callable decides the hyper-parameter.
            ValueError: If an argument is not as said above.
        """
        now = self._next_iteration()
        self.hyperparameter(name).ramp(initial, final, steps, begin, now)

    def plan(
        self, name: str, values: Sequence[float], *, begin: int | None = None
    ) -> None:
        """Gives a hyper-parameter a value for each of the next updates.

        Args:
            name: As in `ramp`.
            values: 1 to 1024 floats that it may be; the last one stays.
            begin: An integer, the update of the first value; those before it have it
                too. Defaults to the next one, `optimizer.iterations`.

        Raises:
            TypeError: If a schedule or a callable decides the hyper-parameter.
            ValueError: If an argument is not as said above.
        """
        if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str):
            raise ValueError(
                "Argument `values` must be a sequence of numbers, one for each update. "
                f"Received: values={values!r}"
            )
        self.hyperparameter(name).plan(values, begin, self._next_iteration())

    def stop(self, name: str) -> None:
        """Ends a ramp or plan: the hyper-parameter stays where it is.

        Args:
            name: As in `ramp`.
        """
        self.hyperparameter(name).stop()

    @property
    def restart_every(self) -> int | None:
        """The number of updates between restarts, or `None`. It can be set any time."""
        return self._restarts.every

    @restart_every.setter
    def restart_every(self, value: int | None) -> None:
        self._restarts.every = value

    @property
    def restart_when(self) -> str | None:
        """`"gradient"`, or `None`."""
        return self._restarts.when

    @property
    def schedule_restarts(self) -> bool:
        """Whether gamma's schedule counts its steps from the last restart."""
        return self._restarts.schedule_restarts

    @property
    def skip_nonfinite(self) -> bool:
        """Whether a step with a gradient that is not finite is left out."""
        return self._nonfinite.skip

    def restart(self) -> None:
        """Lets the velocity start from zero again in the next update."""
        self._restarts.request()

    @property
    def restarts(self) -> int:
        """The number of updates that were restarts."""
        return self._restarts.count

    @property
    def skipped_steps(self) -> int:
        """The number of steps that `skip_nonfinite` left out."""
        return self._nonfinite.count

    # What can be looked at.

    @property
    def is_observed(self) -> bool:
        """Whether an update keeps what `observation` returns.

        In a compiled step it counts what this was when the step was traced; else there
        is nothing of it in the step.
        """
        return self._observer.is_asked

    @is_observed.setter
    def is_observed(self, value: bool) -> None:
        self._observer.is_asked = arguments.boolean("is_observed", value)

    def observation(self) -> Observation:
        """The last update that was observed."""
        return self._observer.observation

    @property
    def weights_with_velocity(self) -> list[Any]:
        """The variables that the optimizer was built with, but for scales of float8."""
        return self._built_slots().weights()

    def velocity(self, variable: Any) -> Any:
        """The velocity of a weight, a tensor of its shape.

        Args:
            variable: A variable that the optimizer was built with.
        """
        slots = self._built_slots()
        self._check_variables_are_known([variable])
        index = self._get_variable_index(variable)
        tensors = {
            name: ops.convert_to_tensor(slot) for name, slot in slots.of(index).items()
        }
        dtype = next(iter(tensors.values())).dtype

        def now(name: str) -> Any:
            value = self._hyperparameters.now(name, self._step_of(name))
            return ops.cast(value, dtype)

        return self.velocity_of(Values(tensors), Asked(now))

    def velocity_norm(self) -> Any:
        """The Euclidean norm of all velocities together, a float32 scalar."""
        return ops.sqrt(
            sum(
                ops.sum(ops.square(ops.cast(self.velocity(weight), "float32")))
                for weight in self.weights_with_velocity
            )
        )

    def _read_hyperparameter(self, name: str) -> Any:
        return self._hyperparameters.named(name).scalar(self._step_of(name))

    def _step_of(self, name: str) -> Any:
        """The step that a schedule is given for the next update."""
        if name != "gamma":
            return self.iterations
        return self.iterations - self._restarts.last

    def _next_iteration(self) -> int:
        return int(ops.convert_to_numpy(self.iterations))

    def _built_slots(self) -> Slots:
        if not self.built:
            raise ValueError(
                "The optimizer must be built before a velocity is read. Call "
                "`optimizer.build(trainable_variables)` first."
            )
        return self._slots
