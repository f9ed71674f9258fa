"""An optimizer to be compared, with the callbacks that belong to it."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_momentum.comparison._identity import identity_or_unknown
from keras_momentum.comparison._optimizers import (
    DecayExclusions,
    as_written,
    gamma_of,
    learning_rate_of,
    maker_of,
    within,
)
from keras_momentum.optimizers import MomentumOptimizer


class Candidate:
    """An optimizer to be compared, with the callbacks that belong to it.

    Args:
        optimizer: An optimizer, its name or configuration, as for `model.compile`, or a
            function without arguments that returns one. Each training gets a copy of
            its own, without weight decay where `exclude_from_weight_decay` says so.
        callbacks: `None` or a list of callbacks, for example
            `[keras_momentum.callbacks.GammaRamp(0.5, 0.95)]`. Each training gets copies
            of its own. Defaults to `None`.

    Raises:
        ValueError: If `optimizer` is none.
        TypeError: If `callbacks` is not as said above.

    Example:

    >>> import keras_momentum
    >>> nag = keras_momentum.NAG(learning_rate=0.01, momentum=0.5)
    >>> ramp = keras_momentum.callbacks.GammaRamp(0.5, 0.95)
    >>> candidate = keras_momentum.comparison.Candidate(nag, [ramp])
    >>> candidate.hyperparameters()
    {'optimizer': 'NAG', 'learning_rate': 0.01, 'gamma': 0.5,
     'schedule': 'GammaRamp', 'restart': 'never'}
    """

    def __init__(
        self,
        optimizer: Any,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
    ):
        callbacks = [] if callbacks is None else callbacks
        if not isinstance(callbacks, Sequence) or not all(
            isinstance(callback, keras.callbacks.Callback) for callback in callbacks
        ):
            raise TypeError(
                "Argument `callbacks` must be a list of instances of "
                f"keras.callbacks.Callback. Received: callbacks={callbacks!r}"
            )
        self._make = maker_of(optimizer)
        self._callbacks = list(callbacks)
        is_copied = isinstance(optimizer, keras.optimizers.Optimizer)
        self._copied = list(within(optimizer)) if is_copied else []
        self._make()

    def hyperparameters(self) -> dict[str, Any]:
        """What TensorBoard's HParams show, before the training.

        `gamma` is `beta_1` for optimizers of the Adam kind and 0 where there is none.
        """
        optimizer = self._make()
        return {
            "optimizer": type(optimizer).__name__,
            "learning_rate": as_written(learning_rate_of(optimizer)),
            "gamma": gamma_of(optimizer),
            "schedule": self._schedule(optimizer),
            "restart": self._restart(optimizer),
        }

    def _new_optimizer(
        self,
        weights: Sequence[keras.Variable],
        known: Sequence[keras.Variable],
    ) -> keras.optimizers.Optimizer:
        """A new optimizer, not built.

        Args:
            weights: The trainable weights of the model that it is for.
            known: Variables that may be excluded from weight decay one by one.

        Raises:
            ValueError: If variables are excluded that the model has not.
        """
        optimizer = self._make()
        for old, new in zip(self._copied, within(optimizer), strict=False):
            DecayExclusions.of(old, known).apply(new, weights)
        return optimizer

    def _new_callbacks(self) -> list[keras.callbacks.Callback]:
        return copy.deepcopy(self._callbacks)

    def _identity(self, known: Sequence[keras.Variable]) -> Any:
        """Optimizer and callbacks by value, for `made_of` of a run.

        Args:
            known: Variables that may be excluded from weight decay one by one.
        """
        exclusions = [DecayExclusions.of(each, known) for each in self._copied]
        parts = (
            [*within(self._make())],
            self._callbacks,
            [[each.names, each.paths] for each in exclusions],
        )
        return identity_or_unknown(parts)

    def _schedule(self, optimizer: Any) -> str:
        movers = _names_of(
            self._callbacks, lambda callback: "gamma" in _moves(callback)
        )
        if isinstance(optimizer, MomentumOptimizer) and not movers:
            gamma = optimizer.get_config()[optimizer.gamma_argument]
            if isinstance(gamma, dict):
                return str(gamma["class_name"])
            return "constant" if isinstance(gamma, float) else "callable"
        return movers or "constant"

    def _restart(self, optimizer: Any) -> str:
        names = [_names_of(self._callbacks, _restarts)]
        if getattr(optimizer, "restart_every", None):
            names.append(f"every {optimizer.restart_every}")
        names.append(getattr(optimizer, "restart_when", None) or "")
        return " + ".join(filter(None, names)) or "never"


def candidates_of(optimizers: Mapping[str, Any]) -> dict[str, Candidate]:
    """The candidates by name; raises `TypeError` or `ValueError` if they are none."""
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise TypeError(
            "Argument `optimizers` must be a dictionary of names and optimizers. "
            f"Received: optimizers={optimizers!r}"
        )
    for name in optimizers:
        if not isinstance(name, str) or not name.strip() or not _is_writable(name):
            raise ValueError(
                "Argument `optimizers` must have names that are texts and not empty. "
                f"Received: {name!r}"
            )
    return {
        name: each if isinstance(each, Candidate) else Candidate(each)
        for name, each in optimizers.items()
    }


def _moves(callback: Any) -> Sequence[str]:
    return getattr(callback, "moves", ())


def _restarts(callback: Any) -> bool:
    return getattr(callback, "restarts", False)


def _names_of(callbacks: list[Any], is_wanted: Callable[[Any], bool]) -> str:
    found = [callback for callback in callbacks if is_wanted(callback)]
    return " + ".join(type(callback).__name__ for callback in found)


def _is_writable(text: str) -> bool:
    """Whether a text has no halves of characters, which no file takes."""
    return text.encode(errors="ignore").decode() == text and "\0" not in text
