"""Restarts of the velocity when a metric stops improving."""

import warnings
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers, say


class RestartOnPlateau(keras.callbacks.ReduceLROnPlateau):
    """Lets the velocity start from zero when a metric has stopped improving.

    It is the twin of `keras.callbacks.ReduceLROnPlateau`, and waits as that does. After
    a restart only what follows it counts: the metric is compared with its best value
    since then. With `patience=1` and `min_delta=0.0` this is the function-value scheme
    of O'Donoghue and Candès, a restart whenever f(w) has grown:

    ```python
    RestartOnPlateau(monitor="loss", patience=1, min_delta=0.0)
    ```

    Args:
        monitor: A string. The metric. Defaults to `"val_loss"`.
        patience: An integer >= 1. The number of epochs without an improvement after
            which the velocity restarts. Defaults to `3`.
        verbose: An integer >= 0. 0: quiet, 1: a line for each restart. Defaults to `0`.
        mode: `"auto"`, `"min"` or `"max"`. Whether the metric should fall or grow;
            `"auto"` infers it from its name. Defaults to `"auto"`.
        min_delta: A float. A smaller change is no improvement. Defaults to `1e-4`.
        cooldown: An integer >= 0. The number of epochs after a restart in which none
            is counted. Defaults to `0`.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.NAG(learning_rate=0.01), loss="mse")
    >>> restart = keras_momentum.callbacks.RestartOnPlateau(monitor="loss", patience=1)
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[restart])

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes".
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
    ):
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                'Argument `mode` must be "auto", "min" or "max". '
                f"Received: mode={mode!r}"
            )
        super().__init__(
            monitor=monitor,
            patience=arguments.integer("patience", patience, minimum=1),
            verbose=arguments.integer("verbose", verbose, minimum=0),
            mode=mode,
            min_delta=arguments.finite_float("min_delta", min_delta),
            cooldown=arguments.integer("cooldown", cooldown, minimum=0),
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        momentum_optimizers(self.model)
        super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {} if logs is None else logs
        if self.monitor not in logs:
            warnings.warn(
                f"RestartOnPlateau waits for the metric `{self.monitor}`, which is not "
                f"available. Available metrics are: {', '.join(logs)}.",
                stacklevel=2,
            )
            return
        self._has_restarted = False
        super().on_epoch_end(epoch, logs)
        if self._has_restarted:
            self.best = logs[self.monitor]

    def _reduce_optimizer_lr(self, optimizer: Any, epoch: int, name: str = "") -> bool:
        """Restarts, where the twin reduces the learning rate."""
        if not self._has_restarted:  # Called for each of a MultiOptimizer's.
            for momentum_optimizer in momentum_optimizers(self.model):
                momentum_optimizer.restart()
            say(self, f"Epoch {epoch + 1}: RestartOnPlateau setting velocity to 0.")
        self._has_restarted = True
        return True
