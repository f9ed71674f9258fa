"""An optimizer to be compared, with the callbacks that belong to it."""

import copy
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from keras_momentum import callbacks as momentum_callbacks
from keras_momentum.callbacks.gamma_callback import GammaCallback
from keras_momentum.optimizers import MomentumOptimizer

_GAMMA_MOVERS = (GammaCallback, momentum_callbacks.OvershootGuard)
_RESTARTERS = (momentum_callbacks.MomentumRestart, momentum_callbacks.RestartOnPlateau)


class Candidate:
    """An optimizer to be compared, with the callbacks that belong to it.

    Args:
        optimizer: An optimizer, its name or configuration, as for `model.compile`, or a
            function without arguments that returns one. Each training gets a copy of
            its own.
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
        self._make = _maker(optimizer)
        self._callbacks = list(callbacks)
        self.new_optimizer()

    def new_optimizer(self) -> keras.optimizers.Optimizer:
        """A new optimizer."""
        return self._make()

    def new_callbacks(self) -> list[keras.callbacks.Callback]:
        """New callbacks."""
        return copy.deepcopy(self._callbacks)

    def hyperparameters(self) -> dict[str, Any]:
        """What TensorBoard's HParams show, before the training.

        `gamma` is `beta_1` for optimizers of the Adam kind and 0 where there is none.
        """
        optimizer = self.new_optimizer()
        return {
            "optimizer": type(optimizer).__name__,
            "learning_rate": as_written(learning_rate_of(optimizer)),
            "gamma": gamma_of(optimizer),
            "schedule": self._schedule(optimizer),
            "restart": self._restart(optimizer),
        }

    def identity(self) -> str:
        """A text that differs where optimizers or callbacks do."""
        optimizer = keras.saving.serialize_keras_object(self.new_optimizer())
        # Their names count up in a process.
        config = {**optimizer.get("config", {}), "name": None}
        callbacks = [
            {"class": type(callback).__name__, **_plain(vars(callback))}
            for callback in self._callbacks
        ]
        parts = [optimizer.get("class_name"), config, callbacks]
        return json.dumps(parts, sort_keys=True, default=_without_address)

    def _schedule(self, optimizer: Any) -> str:
        movers = _names_of(self._callbacks, _GAMMA_MOVERS)
        if isinstance(optimizer, MomentumOptimizer) and not movers:
            gamma = optimizer.get_config()[optimizer.gamma_argument]
            if isinstance(gamma, dict):
                return str(gamma["class_name"])
            return "constant" if isinstance(gamma, float) else "callable"
        return movers or "constant"

    def _restart(self, optimizer: Any) -> str:
        names = [_names_of(self._callbacks, _RESTARTERS)]
        if getattr(optimizer, "restart_every", None):
            names.append(f"every {optimizer.restart_every}")
        names.append(getattr(optimizer, "restart_when", None) or "")
        return " + ".join(filter(None, names)) or "never"


def gamma_of(optimizer: Any) -> float:
    """The momentum coefficient of any optimizer; 0 where it has none.

    Args:
        optimizer: An optimizer, of Keras or of keras_momentum.

    Returns:
        Its `gamma`, else its `momentum`, else its `beta_1`.

    Example:

    >>> import keras_momentum
    >>> keras_momentum.comparison.gamma_of(keras.optimizers.SGD(momentum=0.8))
    0.8
    """
    optimizer = _first_of(optimizer)
    for name in ("gamma", "momentum", "beta_1"):
        value = getattr(optimizer, name, None)
        if value is not None:
            return as_written(value)
    return 0.0


def learning_rate_of(optimizer: Any) -> float:
    """The learning rate of any optimizer; NaN where it is not known yet."""
    rate = getattr(_first_of(optimizer), "learning_rate", math.nan)
    return float(ops.convert_to_numpy(rate))


def updates_after(optimizer: Any) -> int:
    """The number of batches after which any optimizer makes an update."""
    return getattr(_first_of(optimizer), "gradient_accumulation_steps", None) or 1


def _first_of(optimizer: Any) -> Any:
    """The optimizer within a `LossScaleOptimizer`, the first of a `MultiOptimizer`."""
    optimizer = getattr(optimizer, "inner_optimizer", None) or optimizer
    return next(iter(getattr(optimizer, "optimizers", [])), optimizer)


def as_written(value: Any) -> float:
    """A number as a person wrote it, without the last digits of its float32."""
    return float(f"{float(ops.convert_to_numpy(value)):.6g}")


def _maker(optimizer: Any) -> Callable[[], keras.optimizers.Optimizer]:
    if isinstance(optimizer, keras.optimizers.Optimizer):
        kind, config = type(optimizer), optimizer.get_config()
        return lambda: kind.from_config(copy.deepcopy(config))
    if isinstance(optimizer, (str, dict)):
        return lambda: keras.optimizers.get(copy.deepcopy(optimizer))
    if not callable(optimizer) or isinstance(optimizer, type):
        raise ValueError(
            "Argument `optimizer` must be an optimizer, its name or configuration, or "
            f"a function that returns one. Received: optimizer={optimizer!r}"
        )

    def make() -> keras.optimizers.Optimizer:
        made = optimizer()
        if not isinstance(made, keras.optimizers.Optimizer):
            raise ValueError(
                "Argument `optimizer`, a function, must return an optimizer. "
                f"Received: {made!r} from it"
            )
        return made

    return make


def _names_of(callbacks: list[Any], kinds: tuple[type, ...]) -> str:
    found = [callback for callback in callbacks if isinstance(callback, kinds)]
    return " + ".join(type(callback).__name__ for callback in found)


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    kinds = (bool, int, float, str, list, tuple, type(None))
    return {name: value for name, value in attributes.items() if type(value) in kinds}


def _without_address(value: Any) -> str:
    return getattr(value, "__qualname__", type(value).__qualname__)
