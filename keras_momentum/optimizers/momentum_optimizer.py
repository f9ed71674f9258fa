"""The optimizer that Keras sees: its hooks, in the order in which Keras calls them.

Everything else has a part: hyper-parameters (what moves), restarts, packs and slots,
the observer, and what leaves out broken steps. docs/architecture.md draws the path of
an update.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar, Unpack

import keras
import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._backend.dtypes import largest
from keras_momentum._hyperparameters import (
    Control,
    Hyperparameter,
    HyperparameterLike,
    LearningRate,
    named,
)
from keras_momentum._numbers import number
from keras_momentum.optimizers._parts.attributes import check_attribute, seal_after
from keras_momentum.optimizers._parts.keyword_arguments import OptimizerArguments
from keras_momentum.optimizers._parts.nonfinite import Nonfinite
from keras_momentum.optimizers._parts.observer import Observation, Observer, alignment
from keras_momentum.optimizers._parts.restarts import Restarts
from keras_momentum.optimizers._parts.saving import load, restore, saved, set_variables
from keras_momentum.optimizers._parts.slots import Slots
from keras_momentum.optimizers._parts.step import Step
from keras_momentum.optimizers._parts.updates import Updates
from keras_momentum.optimizers._parts.weight_scalars import WeightScalars


class MomentumOptimizer(keras.optimizers.Optimizer):
    """Abstract base of the optimizers whose momentum coefficient can move.

    To write an optimizer, name its slots and write `update`:

    ```python
    class Momentum(MomentumOptimizer):
        slots = ("velocity",)

        def update(self, gradient, slots, step):
            velocity = step.gamma * slots.velocity + step.learning_rate * gradient
            return velocity, {"velocity": velocity}
    ```

    What a subclass may say or override:

    | name | what it is | default |
    |---|---|---|
    | `slots` | names of what every weight has one of | `("velocity",)` |
    | `update(gradient, slots, step)` | the formula: what is subtracted, and the slots after it, by name | |
    | `scalars` | names of scalars of which every weight has its own | `()` |
    | `scalars_after(step)` | those after an update, by name | `{}` |
    | `factors(step, after)` | other scalars of the formula, computed once, by name | `{}` |
    | `slots_of_absent`, `scalars_of_absent` | what a restart does to a weight without a gradient | the velocity is forgotten |
    | `velocity_of(slots)` | what observers and restarts take for the velocity | `slots.velocity` |
    | `is_elementwise(weight)` | else the weight comes alone, with its shape | `True` |
    | `kind(weight)` | weights of different kinds never come together | `None` |
    | `gamma_argument` | the constructor's name for gamma | `"momentum"` |
    | `velocity_is_average` | and not a sum of gradients | `False` |
    | `reads_last_slots` | whether what is subtracted needs slots of before the update | `False` |
    | `largest_gradient(dtype)` | what can be squared, for `skip_nonfinite` | the largest float |
    | `argument_names` | attributes that are arguments of the constructor | `()` |

    `gradient` and `slots` are elementwise values with the operators of arithmetic, and
    `keras_momentum.optimizers.elementwise` has their roots; `step` is described there.

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
        skip_nonfinite: Whether a step with a NaN or an infinity in any gradient, or one
            whose square would be infinite where the formula squares it, leaves weights
            and state, iterations included, as they are; `skipped_steps` counts such
            steps. With gradient accumulation it is the batch that is left out. What
            layers change themselves, the averages of `BatchNormalization` for example,
            is not the optimizer's to protect.
        **kwargs: The keyword arguments of `keras.optimizers.Optimizer`.

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes".
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent" (`schedule_restarts`).
    """

    slots: tuple[str, ...] = ("velocity",)
    scalars: ClassVar[tuple[str, ...]] = ()
    gamma_argument: ClassVar[str] = "momentum"
    velocity_is_average: ClassVar[bool] = False
    reads_last_slots: ClassVar[bool] = False
    argument_names: ClassVar[tuple[str, ...]] = ()
    # What was loaded before `build`, for the variables that it creates.
    _to_restore: Sequence[np.ndarray] = ()

    gamma = momentum = beta_1 = named(
        "_gamma",
        """The momentum coefficient of the next update, a scalar; 0 ≤ γ ≤ 1.

        Of an optimizer made with a float it can be set at any time and takes effect in
        the next step, without a new trace; it ends a ramp or plan. `momentum` and
        `beta_1` are other names of it.

        Raises:
            TypeError: If it is set although a schedule or a callable decides it.
            ValueError: If it is set to a number outside [0, 1].
        """,
    )

    def __init__(
        self,
        learning_rate: Any,
        gamma: HyperparameterLike,
        *,
        restart_every: int | None = None,
        restart_when: str | None = None,
        schedule_restarts: bool = False,
        velocity_dtype: str | None = None,
        skip_nonfinite: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ):
        if arguments.is_float(learning_rate):
            learning_rate = float(learning_rate)
        super().__init__(learning_rate=learning_rate, **kwargs)
        self._control = control = Control()
        self._gamma = Hyperparameter(control, "gamma", gamma, self.gamma_argument)
        self._rate = LearningRate(control, self)
        self._restarts = Restarts(
            control, self._gamma, restart_every, restart_when, schedule_restarts
        )
        self._observer = Observer(control)
        self._nonfinite = Nonfinite(control, skip_nonfinite)
        # Whether weights have taken part in different updates.
        control.add_count("apart")
        control.create(self)
        self.velocity_dtype = velocity_dtype
        if velocity_dtype is not None:
            self.velocity_dtype = arguments.float_dtype(
                "velocity_dtype", velocity_dtype
            )

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            seal_after(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        check_attribute(self, name, value)
        super().__setattr__(name, value)

    # What moves.

    @property
    def gamma_is_settable(self) -> bool:
        """Whether gamma can be set: no schedule and no callable decides it."""
        return self._gamma.is_settable

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the next update; setting it ends a ramp or plan."""
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate.set(value)

    @property
    def learning_rate_is_settable(self) -> bool:
        """Whether it is a variable: no schedule and no callable decides it."""
        return self._rate.is_settable

    @property
    def effective_learning_rate(self) -> float:
        """What a constant gradient is multiplied by in the end.

        η/(1 − γ), or η where the velocity is an average (`MomentumAdam`).
        """
        share = 1.0 if self.velocity_is_average else 1.0 - number(self.gamma)
        return number(self.learning_rate) / share if share else math.inf

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
                the same.
            initial: A float, in [0, 1] for gamma.
            final: A float likewise.
            steps: An integer >= 1, in updates.
            begin: An integer, the update at which the ramp begins. Defaults to the
                next one, `optimizer.iterations`.

        Raises:
            TypeError: If a schedule or a callable decides the hyper-parameter.
            ValueError: If an argument is not as said above.
        """
        now = self._next_iteration()
        self._hyperparameter(name).ramp(initial, final, steps, begin, now)

    def plan(self, name: str, values: Sequence[float]) -> None:
        """Gives a hyper-parameter a value for each of the next updates.

        Args:
            name: As in `ramp`.
            values: 1 to 1024 floats, in [0, 1] for gamma; the last one stays.

        Raises:
            TypeError: If a schedule or a callable decides the hyper-parameter.
            ValueError: If `values` is not as said.
        """
        self._hyperparameter(name).plan(values, self._next_iteration())

    def stop(self, name: str) -> None:
        """Ends a ramp or plan: the hyper-parameter stays where it is.

        Args:
            name: As in `ramp`.
        """
        self._hyperparameter(name).stop()

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
        return self.velocity_of(
            SimpleNamespace(
                **{
                    name: ops.convert_to_tensor(slots.of(index, name))
                    for name in slots.names
                }
            )
        )

    def velocity_norm(self) -> Any:
        """The Euclidean norm of all velocities together, a float32 scalar."""
        return ops.sqrt(
            sum(
                ops.sum(ops.square(ops.cast(self.velocity(weight), "float32")))
                for weight in self.weights_with_velocity
            )
        )

    # What a formula may say; see the table above.

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        """The formula of the optimizer, elementwise.

        Args:
            gradient: g_t.
            slots: The slots before the update, as attributes.
            step: The scalars of this update, as attributes: `learning_rate`, `gamma`
                (0 in a restart), `next_gamma` (0 if the next update will be a restart),
                both as the schedule has them in `scheduled_gamma` and
                `scheduled_next_gamma`, `kept` (0 in a restart, else 1), and the
                optimizer's `scalars` (before the update) and `factors`.

        Returns:
            What is subtracted from the weights, and the slots after the update by name.
        """
        raise NotImplementedError

    def scalars_after(self, step: Any) -> dict[str, Any]:
        """The optimizer's scalars after the update, by name."""
        return {}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """Other scalars of the formula, computed once and not for each weight.

        Args:
            step: The scalars of this update.
            after: What `scalars_after` returns.
        """
        return {}

    def slots_of_absent(self, slots: Any, step: Any) -> dict[str, Any]:
        """Slots of a weight without a gradient after the update, if they change."""
        return {"velocity": step.kept * slots.velocity}

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        """Scalars of a weight without a gradient after the update, if they change."""
        return {}

    def velocity_of(self, slots: Any) -> Any:
        """The velocity among the slots."""
        return slots.velocity

    def is_elementwise(self, weight: Any) -> bool:
        """Whether each element of a weight is updated by its own gradient alone."""
        return True

    def kind(self, weight: Any) -> Hashable:
        """What weights that come together have in common."""
        return None

    def largest_gradient(self, dtype: str) -> float:
        """The largest element of a gradient that the formula can take."""
        return largest(dtype)

    # The hooks of Keras, in the order in which it calls them.

    def build(self, variables: Sequence[Any]) -> None:
        """Creates the slots.

        Args:
            variables: The list of model variables to train.
        """
        if self.built:
            return
        known = len(self.variables)
        with backend.creation():
            super().build(variables)
            self._weight_scalars = WeightScalars(self.scalars)
            self._weight_scalars.create(self, len(variables))
            dtypes = {}
            if self.velocity_dtype is not None:
                dtypes = {self.slots[0]: self.velocity_dtype}
            self._slots = Slots(self, variables, self.slots, dtypes, self._kind)
            self._updates = Updates(
                self, self._control, self._slots, self._weight_scalars
            )
            restore(self, known)

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates the weights, unless `skip_nonfinite` and a gradient is not finite.

        Args:
            grads: A list of gradients, one for each variable; `None` where there is
                none.
            trainable_variables: A list of variables. May be left out once the
                optimizer is built.
        """
        # Dense from the start: with momentum every row of a weight moves at every step,
        # and Keras clips a sparse gradient by another norm where rows occur twice.
        grads = [None if g is None else backend.dense(g) for g in grads]
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built and grads:
                with keras.name_scope(self.name):
                    self.build(trainable_variables)
        with backend.after_batch(grads), backend.no_gradient():
            self._nonfinite.apply(
                super().apply,
                grads,
                trainable_variables,
                lambda: self._all_variables(trainable_variables),
                self.largest_gradient,
            )

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        # Packs are clipped, decay and are averaged as packs.
        return super()._clip_gradients(grads) if backend.is_distributed() else grads

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        if backend.is_distributed():
            super()._apply_weight_decay(variables)

    def _backend_update_step(
        self,
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
        learning_rate: Any,
    ) -> None:
        # Keras calls this once an update, and `update_step` once a variable. What all
        # variables share is computed here and handed on in the learning rate's place.
        updates = self._updates
        gradients = updates.gradients(grads, trainable_variables)
        missing = updates.missing(trainable_variables)
        iteration = backend.scalar(self.iterations)
        scalars = self._control.read()
        step = self._step(learning_rate, scalars, iteration)
        if self.is_observed:
            scalars |= self._observer.look(updates.preview(gradients, step), scalars)
        if self._restarts.when is not None:
            uphill = alignment(updates.preview(gradients, step))
            step = self._with_factors(self._restarts.when_uphill(step, uphill))
        if backend.is_distributed():
            super()._backend_update_step(grads, trainable_variables, step)
        else:
            updates.make(gradients, step.once(iteration), missing)
        self._advance(step, scalars, iteration, missing)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Step) -> None:
        """Applies the formula to one variable; `learning_rate` is the whole step."""
        self._updates.make_one(gradient, variable, learning_rate)

    def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
        if backend.is_distributed():
            super()._update_model_variables_moving_average(trainable_variables)
            return
        is_first = backend.scalar(self.iterations) == 0
        self._updates.average((1 - backend.real(is_first)) * self.ema_momentum)

    @property
    def variables(self) -> list[Any]:
        """All variables of the optimizer, slots weight by weight.

        Where a variable holds the slots of several weights, its parts stand for it, so
        that the list does not depend on how weights are packed.
        """
        if not self.built:
            return super().variables
        own = [v for v in super().variables if not self._slots.owns(v)]
        return [*own, *self._slots.each()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all variables, in the order of `variables`."""
        set_variables(self, weights)

    def save_own_variables(self, store: Any) -> None:
        """Saves the state, also that which waits for `build`."""
        for index, value in enumerate(saved(self)):
            store[str(index)] = value

    def load_own_variables(self, store: Any) -> None:
        """Loads what `save_own_variables` saved, slots as soon as they are built."""
        load(self, [np.asarray(store[str(n)]) for n in range(len(store.keys()))])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self.gamma_argument: self._gamma.config(),
            **self._restarts.config(),
            "velocity_dtype": self.velocity_dtype,
            "skip_nonfinite": self._nonfinite.skip,
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

    # What the hooks need.

    def _step(
        self, learning_rate: Any, scalars: dict[str, Any], iteration: Any
    ) -> Step:
        """The scalars of the update, as far as they are known before its gradient."""
        shared = {
            "learning_rate": backend.real(backend.scalar(learning_rate)),
            "apart": scalars["apart"],
            **self._restarts.scalars(scalars, iteration),
        }
        return self._with_factors(Step(shared, self._weight_scalars.read()))

    def _with_factors(self, step: Step) -> Step:
        after = self.scalars_after(step)
        return step.with_factors(self.factors(step, after))

    def _advance(
        self,
        step: Step,
        scalars: dict[str, Any],
        iteration: Any,
        missing: frozenset[int],
    ) -> None:
        """Moves everything that all weights share on to the next update."""
        self._weight_scalars.write(
            step.own, self.scalars_after(step), self.scalars_of_absent(step), missing
        )
        scalars |= self._restarts.after(scalars, step, iteration)
        if missing:
            scalars["apart"] = backend.whole(1)
        self._control.write(scalars)
        self._rate.advance(scalars, iteration + 1)

    def _kind(self, weight: Any) -> tuple[Hashable, bool]:
        kind = (self._use_weight_decay(weight), self.kind(weight))
        return kind, self.is_elementwise(weight)

    def _read_hyperparameter(self, hyperparameter: Hyperparameter) -> Any:
        return self._restarts.gamma(self.iterations)

    def _hyperparameter(self, name: str) -> Hyperparameter | LearningRate:
        gamma = dict.fromkeys(("gamma", "momentum", "beta_1"), self._gamma)
        known = {**gamma, "learning_rate": self._rate}
        arguments.one_of("name", name, list(known))
        return known[name]

    def _next_iteration(self) -> int:
        return int(ops.convert_to_numpy(self.iterations))

    def _built_slots(self) -> Slots:
        if not self.built:
            raise ValueError(
                "The optimizer must be built before a velocity is read. Call "
                "`optimizer.build(trainable_variables)` first."
            )
        return self._slots

    def _all_variables(self, trainable_variables: Any) -> list[Any]:
        return [*self.variables, *(trainable_variables or self._trainable_variables)]
