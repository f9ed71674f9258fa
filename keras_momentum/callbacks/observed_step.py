"""A second training function, of which the steps are observed."""

from collections.abc import Callable
from typing import Any

import keras

from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers
from keras_momentum.optimizers import MomentumOptimizer


class ObservedStep:
    """Lets a model do its steps with or without being observed.

    What measures an update would slow down every step if it stood in a condition: on
    TensorFlow by 6 % with 200 small weights, on JAX by 75 %. So there are two
    functions, and the one that measures is traced where it is first called.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: keras.Model):
        self._model = model
        model.make_train_function()
        current = model.train_function
        # A run that broke off may have left the observed one behind.
        self._plain = getattr(current, "plain", current)
        self._observed = getattr(self._plain, "observed", None) or _observed(
            model, self._plain, momentum_optimizers(model)
        )
        self._always = False
        model.train_function = self._plain

    def observe_always(self) -> None:
        """Observes every step from now on."""
        self._always = True
        self.observe(True)

    def observe(self, is_wanted: bool) -> None:
        """Whether the next steps are observed."""
        # Not by way of a callback's `model`, which on JAX copies the training state.
        wanted = self._observed if is_wanted or self._always else self._plain
        if self._model.train_function is not wanted:
            self._model.train_function = wanted

    def end(self) -> None:
        """Leaves the model as it was."""
        self._always = False
        self.observe(False)


def observed_step(callback: keras.callbacks.Callback) -> ObservedStep:
    """The one that all callbacks of a `fit` share.

    Args:
        callback: A callback, when training has begun.
    """
    # All callbacks of one `fit` have the same `params`, and no other one has them.
    if "observed_step" not in callback.params:
        callback.params["observed_step"] = ObservedStep(callback.model)
    return callback.params["observed_step"]


def _observed(
    model: keras.Model,
    plain: Callable[..., Any],
    optimizers: list[MomentumOptimizer],
) -> Callable[..., Any]:
    if keras.backend.backend() == "torch":
        # Nothing is traced: the same function, while the optimizers are observed.
        observed = _while_observed(plain, optimizers)
    else:
        # A step of its own, as JAX knows one that it has compiled.
        train_step, is_own = model.train_step, "train_step" in vars(model)
        model.train_step = _while_observed(train_step, optimizers)
        model.make_train_function(force=True)
        del model.train_step
        if is_own:  # Set on the model, and not by its class.
            model.train_step = train_step
        observed = model.train_function
    observed.plain, plain.observed = plain, observed  # type: ignore[attr-defined]
    return observed


def _while_observed(
    function: Callable[..., Any], optimizers: list[MomentumOptimizer]
) -> Callable[..., Any]:
    def observed(*arguments: Any) -> Any:
        for optimizer in optimizers:
            optimizer.is_observed = True
        try:
            return function(*arguments)
        finally:
            for optimizer in optimizers:
                optimizer.is_observed = False

    return observed
