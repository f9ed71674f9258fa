"""The optimizer that Keras sees: its hooks, in the order in which Keras calls them.

Everything else has a part: hyper-parameters (what moves), restarts, packs and slots,
the observer, and what leaves out broken steps. docs/architecture.md draws the path of
an update.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum._backend import Kind, backend
from keras_momentum._hyperparameters import (
    Control,
    HyperparameterLike,
    Hyperparameters,
    LearningRate,
    moving_of,
)
from keras_momentum.optimizers._parts.attributes import check_attribute, seal_after
from keras_momentum.optimizers._parts.computation import rate_of
from keras_momentum.optimizers._parts.handles import Handles
from keras_momentum.optimizers._parts.keyword_arguments import OptimizerArguments
from keras_momentum.optimizers._parts.nonfinite import Nonfinite
from keras_momentum.optimizers._parts.observer import Observer, alignment
from keras_momentum.optimizers._parts.restarts import Restarts
from keras_momentum.optimizers._parts.saving import load, restore, saved, set_variables
from keras_momentum.optimizers._parts.slots import Slots
from keras_momentum.optimizers._parts.step import Step, check_names
from keras_momentum.optimizers._parts.updates import Updates
from keras_momentum.optimizers._parts.weight_scalars import WeightScalars


class MomentumOptimizer(Handles, keras.optimizers.Optimizer):
    """Abstract base of the optimizers whose momentum coefficient can move.

    To write one, name its slots and write `update`:

    ```python
    class Momentum(MomentumOptimizer):
        slots = ("velocity",)

        def update(self, gradient, slots, step):
            velocity = step.gamma * slots.velocity + step.learning_rate * gradient
            return velocity, {"velocity": velocity}
    ```

    `Formula` lists what else a subclass may say.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`
            instance, or a callable that takes no arguments and returns the value.
        gamma: A float in [0, 1], a schedule, or a callable without arguments.
        others: What each other hyper-parameter of the class is, by name: likewise a
            number, a schedule or a callable. Defaults to `None`: there is none.
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
        weight_decay: `None`, or a float >= 0, a schedule or a callable: w −= η λ w.
        **kwargs: The other keyword arguments of `keras.optimizers.Optimizer`.

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes".
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent" (`schedule_restarts`).
    """

    # What was loaded before `build`, for the variables that it creates.
    _to_restore: Sequence[np.ndarray] = ()

    def __init__(
        self,
        learning_rate: Any,
        gamma: HyperparameterLike,
        others: Mapping[str, Any] | None = None,
        *,
        restart_every: int | None = None,
        restart_when: str | None = None,
        schedule_restarts: bool = False,
        velocity_dtype: str | None = None,
        skip_nonfinite: bool = False,
        weight_decay: HyperparameterLike | None = None,
        **kwargs: Unpack[OptimizerArguments],
    ):
        if arguments.is_float(learning_rate):
            learning_rate = float(learning_rate)
        with backend.creation():
            super().__init__(learning_rate=learning_rate, **kwargs)
        self._control = control = Control()
        self._rate = LearningRate(control, self)
        hyperparameters = Hyperparameters(control, self._rate, moving_of(type(self)))
        given = {"gamma": gamma, "weight_decay": weight_decay, **(others or {})}
        hyperparameters.check_declared(given, type(self).__name__)
        for name, value in given.items():
            argument = self.gamma_argument if name == "gamma" else name
            hyperparameters.add(name, value, argument, lambda: self.built)
        self._restarts = Restarts(
            control,
            hyperparameters.named("gamma"),
            restart_every,
            restart_when,
            schedule_restarts,
        )
        self._hyperparameters = hyperparameters
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
        check_names(moving_of(cls), cls.__name__)
        if "__init__" in vars(cls):
            seal_after(cls)

    def __setattr__(self, name: str, value: Any) -> None:
        check_attribute(self, name, value)
        super().__setattr__(name, value)

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
                dtypes = dict.fromkeys(self.velocities, self.velocity_dtype)
            self._slots = Slots(self, variables, self.slots_of, dtypes, self._kind)
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
        # Packs are clipped and averaged as packs.
        return super()._clip_gradients(grads) if backend.is_distributed() else grads

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        # It is part of the update.
        pass

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
        scalars |= self._hyperparameters.ahead(scalars, iteration + 1)
        step = self._step(learning_rate, scalars, iteration)
        if self._restarts.when is not None:
            uphill = alignment(updates.preview(gradients, step))
            step = self._with_factors(self._restarts.when_uphill(step, uphill))
        if self.is_observed:
            scalars |= self._observer.look(updates.preview(gradients, step), scalars)
        if backend.is_distributed():
            super()._backend_update_step(grads, trainable_variables, step)
        else:
            updates.make(gradients, step, missing)
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
            **self._hyperparameters.config(),
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
        for name in (cls.gamma_argument, *moving_of(cls)):
            if isinstance(config.get(name), dict):
                config[name] = keras.saving.deserialize_keras_object(
                    config[name], custom_objects=custom_objects
                )
        return super().from_config(config, custom_objects=custom_objects)

    # What the hooks need.

    def _step(
        self, learning_rate: Any, scalars: dict[str, Any], iteration: Any
    ) -> Step:
        """The scalars of the update, as far as they are known before its gradient."""
        rate = backend.real(backend.scalar(learning_rate))
        shared = {
            "learning_rate": rate,
            "apart": scalars["apart"],
            **self._restarts.scalars(scalars, iteration),
            **self._hyperparameters.of_step(scalars, iteration, but="gamma"),
        }
        for name in self._hyperparameters.decays:
            shared[rate_of(name)] = rate * shared[name]
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
        scalars |= self._hyperparameters.after(scalars)
        if missing:
            scalars["apart"] = backend.whole(1)
        self._control.write(scalars)
        self._rate.advance(scalars)

    def _kind(self, weight: Any) -> Kind:
        decays, kind = self._use_weight_decay(weight), self.kind(weight)
        self._hyperparameters.check_decay(self.weight_decay_of(kind))
        return Kind(decays, kind, self.is_elementwise(weight))

    def _all_variables(self, trainable_variables: Any) -> list[Any]:
        return [*self.variables, *(trainable_variables or self._trainable_variables)]
