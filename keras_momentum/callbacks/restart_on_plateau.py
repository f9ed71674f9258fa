"""Restarts of the velocity when a metric stops improving."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.callbacks._callback import MomentumCallback


class RestartOnPlateau(MomentumCallback, keras.callbacks.ReduceLROnPlateau):
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
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

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

    restarts = True
    best: Any

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 3,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        optimizer: Any = None,
    ):
        super().__init__(
            optimizer,
            verbose,
            monitor=monitor,
            patience=arguments.integer("patience", patience, minimum=1),
            mode=arguments.one_of("mode", mode, ("auto", "min", "max")),
            min_delta=arguments.finite_float("min_delta", min_delta),
            cooldown=arguments.integer("cooldown", cooldown, minimum=0),
        )

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # The twin's own would read learning rates, which there may be none of.
        super().on_epoch_end(epoch, logs)
        logs = {} if logs is None else logs
        if self.monitor not in logs:
            self._warn(
                "metric",
                f"RestartOnPlateau waits for the metric `{self.monitor}`, which is not "
                f"available. Available metrics are: {', '.join(logs)}.",
            )
            return
        if self.monitor_op is None:
            # Only now are all metrics built.
            self._set_monitor_op()
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(logs[self.monitor], self.best):
            self.best = logs[self.monitor]
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._restart(epoch)
                self.best = logs[self.monitor]

    def _restart(self, epoch: int) -> None:
        for optimizer in self._optimizers():
            optimizer.restart()
        self._say(f"Epoch {epoch + 1}: RestartOnPlateau setting velocity to 0.")
        self.cooldown_counter = self.cooldown
        self.wait = 0
