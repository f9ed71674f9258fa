"""A linear ramp of a hyper-parameter over a training run."""

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_momentum import arguments
from keras_momentum.callbacks._movable import allowed
from keras_momentum.callbacks._moving_callback import NamedCallback
from keras_momentum.callbacks._steps import updates_per_epoch
from keras_momentum.optimizers import MomentumOptimizer


class Ramp(NamedCallback):
    """Moves a hyper-parameter in a straight line from `initial` to `final` in `fit`.

    ```python
    tau = clip((epoch - begin_epoch) / epochs, 0, 1)  # changes at every update
    value = initial + (final - initial) * tau
    ```

    Any hyper-parameter that the optimizer was given as a float can be moved so;
    `optimizer.hyperparameters` lists what there is. `GammaRamp` is the one of gamma.

    The callback writes the ramp into variables of the optimizer when the first epoch
    begins, and the compiled training step does the rest: nothing is called between two
    steps, nothing is traced again. A resumed run (`keras.callbacks.BackupAndRestore`,
    or `fit(initial_epoch=...)` after `keras.saving.load_model`) goes on in mid-ramp.
    When `fit` ends, however it does, the hyper-parameter stays where it is.

    The length is counted in updates. Where `fit` can't know the number of batches of an
    epoch in advance (a generator), the hyper-parameter moves once an epoch instead and
    a warning says so.

    Args:
        name: A string. Any name of the hyper-parameter: `"weight_decay"`, `"beta_2"`,
            `"learning_rate"`, `"momentum"`, ... In the logs it has the name that it has
            in `optimizer.hyperparameters`, gamma whatever it is called.
        initial: A float that the hyper-parameter may be: its value until the ramp
            begins. Of one with several numbers a sequence of as many.
        final: The same: its value from the end of the ramp on.
        epochs: `None` or an integer >= 1. The length of the ramp in epochs. Defaults
            to `None`: from `begin_epoch` to the last epoch of `fit`.
        begin_epoch: An integer >= 0. The epoch at whose start the ramp begins.
            Defaults to `0`.
        verbose: An integer >= 0. 0: quiet, 1: a line where the ramp begins and where it
            ends. Defaults to `0`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if an
            optimizer has no such hyper-parameter or it may not be `initial` or `final`,
            another callback moves it, or the ramp begins after the last epoch.
        TypeError: When training begins, if a schedule already decides the
            hyper-parameter, or it is a weight decay that is `None`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.MomentumAdam(weight_decay=0.0), loss="mse")
    >>> ramp = keras_momentum.callbacks.Ramp("weight_decay", 0.0, 0.5)
    >>> history = model.fit(
    ...     np.ones((8, 4)), np.ones((8, 1)), epochs=4, verbose=0, callbacks=[ramp]
    ... )
    >>> history.history["weight_decay"]
    [0.125, 0.25, 0.375, 0.5]
    """

    def __init__(
        self,
        name: str,
        initial: float | Sequence[float] | np.ndarray,
        final: float | Sequence[float] | np.ndarray,
        epochs: int | None = None,
        begin_epoch: int = 0,
        verbose: int = 0,
        optimizer: Any = None,
    ):
        super().__init__(name, optimizer, verbose)
        self.initial = _one_or_several("initial", initial)
        self.final = _one_or_several("final", final)
        if epochs is not None:
            arguments.integer("epochs", epochs, minimum=1)
        self.epochs = epochs
        self.begin_epoch = arguments.integer("begin_epoch", begin_epoch, minimum=0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        kind = type(self).__name__
        epochs: Any = self._params.get("epochs")
        if self.epochs is None and epochs is None:
            raise ValueError(
                f"Argument `epochs` of {kind} must be given, as the number of epochs "
                "of this run is not known. Received: epochs=None"
            )
        self._length = self.epochs or epochs - self.begin_epoch
        if self._length < 1:
            raise ValueError(
                "Argument `begin_epoch` must be less than the epochs of `fit`, "
                f"{epochs}. Received: begin_epoch={self.begin_epoch}"
            )
        if self._params.get("steps") is None:
            self._warn(
                "number of batches",
                f"{kind} moves {self._said} once an epoch in this run, not at every "
                "update: `fit` does not know the number of batches in advance. Pass "
                "`steps_per_epoch` for a smooth ramp.",
            )

    def _begin(self, epoch: int) -> None:
        if self._params.get("steps") is None:
            return
        for optimizer, first in zip(self._optimizers(), self._firsts, strict=True):
            updates = updates_per_epoch(self._params, optimizer)
            optimizer.ramp(
                self.name,
                *self._ends(optimizer),
                begin=first + round(self.begin_epoch * updates),
                steps=max(1, round(self._length * updates)),
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        if self._params.get("steps") is None:
            for optimizer in self._optimizers():
                value = self._between(epoch, *self._ends(optimizer))
                optimizer.hyperparameter(self.name).set(value)
        where = f"Epoch {epoch + 1}: {type(self).__name__}"
        if epoch == self.begin_epoch:
            self._say(
                f"{where} moving {self._said} from {self.initial} to {self.final} in "
                f"{self._length} epochs."
            )
        elif epoch == self.begin_epoch + self._length:
            self._say(f"{where} done, {self._said} is {self.final}.")

    def _check_movable(self, optimizers: list[MomentumOptimizer]) -> None:
        super()._check_movable(optimizers)
        for optimizer in optimizers:
            self._ends(optimizer)

    def _ends(self, optimizer: MomentumOptimizer) -> list[Any]:
        """`initial` and `final`, if the optimizer's hyper-parameter may be that."""
        hyperparameter, kind = optimizer.hyperparameter(self.name), type(self).__name__
        return [
            allowed(hyperparameter, argument, getattr(self, argument), kind)
            for argument in ("initial", "final")
        ]

    def _between(self, epoch: int, initial: Any, final: Any) -> Any:
        """What it is when an epoch begins."""
        if isinstance(initial, list):
            pairs = zip(initial, final, strict=True)
            return [self._between(epoch, *pair) for pair in pairs]
        since = epoch - self.begin_epoch
        return float(np.interp(since, [0, self._length], [initial, final]))


def _one_or_several(argument: str, value: Any) -> Any:
    """Returns what can be an end of a ramp; which numbers, an optimizer says."""
    is_sequence = isinstance(value, Sequence | np.ndarray)
    several = value if is_sequence and not isinstance(value, str | bytes) else [value]
    if not len(several) or not all(map(_is_finite, several)):
        raise ValueError(
            f"Argument `{argument}` must be a finite float, or a sequence of them for "
            f"a hyper-parameter of several. Received: {argument}={value!r}"
        )
    return value


def _is_finite(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value)
