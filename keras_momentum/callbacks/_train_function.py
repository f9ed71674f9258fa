"""What stands in place of a model's training function while callbacks of ours work.

```text
fit ── model.train_function(…) = TrainFunction
         1. leases that were not renewed end: their fit is over
         2. one of them observes? the observed step : the plain step
```

What measures an update would slow down every step if it stood in a condition: on
TensorFlow by 6 % with 200 small weights, on JAX by 75 %. So there are two functions,
and the one that measures is traced where it is first called.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import keras

from keras_momentum._backend import backend
from keras_momentum.callbacks._lease import Lease
from keras_momentum.optimizers import MomentumOptimizer


class TrainFunction:
    """The training function of a model during a fit with callbacks of ours.

    Without leases it is the function in whose place it stands. Whoever kept it may call
    it for ever.

    Args:
        model: A compiled model.
        fit: What all callbacks of the fit have in common.
    """

    def __init__(self, model: keras.Model, fit: Any):
        self._model = model
        self._fit = fit
        # Each `fit` gives the model a History of its own.
        self._history = getattr(model, "history", None)
        self._leases: list[Lease] = []
        self._observed: Callable[..., Any] | None = None
        model.make_train_function()
        self._plain = model.train_function
        model.train_function = self

    @classmethod
    def of(cls, model: keras.Model, fit: Any) -> "TrainFunction":
        """That of the fit, which is put in its place if another one stands there."""
        present = model.train_function
        if isinstance(present, cls) and present._fit is fit:
            return present
        if isinstance(present, cls):
            present._end()
        return cls(model, fit)

    @classmethod
    def end_another(cls, model: keras.Model, fit: Any) -> None:
        """Ends what a fit left behind that broke off.

        Args:
            model: A model.
            fit: What all callbacks of the fit that begins have in common.
        """
        present = getattr(model, "train_function", None)
        if isinstance(present, cls) and (
            present._fit is not fit
            or any(lease.has_stepped for lease in present._leases)
        ):
            present._end()

    def add(self, lease: Lease) -> None:
        """Looks after a lease from now on."""
        if any(each is lease for each in self._leases):
            return
        self._leases.append(lease)
        if lease.observes:
            optimizers = {
                id(optimizer): optimizer
                for each in self._leases
                if each.observes
                for optimizer in each.optimizers
            }
            self._observed = self._observed_for(list(optimizers.values()))

    def drop(self, lease: Lease) -> None:
        """Does not look after a lease any longer; after the last one it goes."""
        self._leases = [each for each in self._leases if each is not lease]
        if not self._leases:
            self._remove()

    def __call__(self, *arguments: Any) -> Any:
        is_observed = False
        if getattr(self._model, "history", None) is not self._history:
            # Renewed for a step that did not come: it was the last of its fit.
            for lease in self._leases:
                lease.is_renewed = False
        for lease in self._leases:
            if not lease.is_renewed:
                arguments = self._without_stale(arguments)
                break
        for lease in self._leases:
            lease.is_renewed = False
            lease.has_stepped = True
            is_observed = is_observed or lease.is_observing
        if is_observed and self._observed is not None:
            return self._observed(*arguments)
        return self._plain(*arguments)

    def _without_stale(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Ends leases whose fit is over; returns the arguments after that."""
        stale = [lease for lease in self._leases if not lease.is_renewed]
        # On JAX the model's state has been taken out of it, and comes as an argument:
        # weights, other variables, those of the optimizer, metrics; then the data.
        optimizer = self._model.optimizer
        has_state = len(arguments) == 2 and isinstance(arguments[0], tuple)
        if has_state:
            state = arguments[0]
            for variable, value in zip(optimizer.variables, state[2], strict=True):
                variable.assign(value)
        for lease in stale:
            lease.end()
            self.drop(lease)
        if not has_state:
            return arguments
        values = [variable.value for variable in optimizer.variables]
        return (*state[:2], values, *state[3:]), *arguments[1:]

    def _end(self) -> None:
        for lease in self._leases:
            lease.end()
        self._leases = []
        self._remove()

    def _remove(self) -> None:
        # Not if the model was compiled again: an old function has no place there.
        if self._model.train_function is self:
            self._model.train_function = self._plain

    def _observed_for(self, optimizers: list[MomentumOptimizer]) -> Callable[..., Any]:
        """A function of which the updates of these are observed, kept for later."""
        kept = getattr(self._plain, "observed", {})
        with contextlib.suppress(AttributeError):  # A method has no attributes.
            self._plain.observed = kept
        key = frozenset(map(id, optimizers))
        if key not in kept:
            kept[key] = self._new_observed(optimizers)
        return kept[key]

    def _new_observed(self, optimizers: list[MomentumOptimizer]) -> Callable[..., Any]:
        if not backend.traces:
            # Nothing is traced: the same function, while the optimizers are observed.
            return _while_observed(self._plain, optimizers)
        # A step of its own, as JAX knows one that it has compiled.
        model = self._model
        train_step, is_own = model.train_step, "train_step" in vars(model)
        before = model.train_function
        model.train_step = _while_observed(train_step, optimizers)
        try:
            model.make_train_function(force=True)
            return model.train_function
        finally:
            model.train_function = before
            del model.train_step
            if is_own:  # Set on the model, and not by its class.
                model.train_step = train_step


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
