"""Restart-every-k."""

from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers, say


class MomentumRestart(keras.callbacks.Callback):
    """Lets the velocity start from zero again, every so often.

    ```python
    gamma = 0   # for one update: t > 0 and t % every == 0
    ```

    With `unit="step"` the optimizer's `restart_every` is set while `fit` runs, and the
    compiled step does the rest: t counts all updates of the optimizer. With
    `unit="epoch"` the first update of every `every`-th epoch is a restart. A schedule
    may decide gamma; an optimizer with `schedule_restarts=True` begins it again.

    Args:
        every: An integer >= 1.
        unit: `"step"` or `"epoch"`. Defaults to `"step"`.
        verbose: An integer >= 0. 0: quiet, 1: a line for each restart by the epoch, and
            one in all for those by the step. Defaults to `0`.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.NAG(learning_rate=0.01), loss="mse")
    >>> restart = keras_momentum.callbacks.MomentumRestart(every=100)
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[restart])

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes"
      (fixed restarts).
    - Wang et al., 2020, "Scheduled restart momentum for accelerated stochastic gradient
      descent".
    """

    def __init__(self, every: int, unit: str = "step", verbose: int = 0):
        super().__init__()
        self.every = arguments.integer("every", every, minimum=1)
        if unit not in ("step", "epoch"):
            raise ValueError(
                f'Argument `unit` must be "step" or "epoch". Received: unit={unit!r}'
            )
        self.unit = unit
        self.verbose = arguments.integer("verbose", verbose, minimum=0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        momentum_optimizers(self.model)
        self._before: list[int | None] | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizers = momentum_optimizers(self.model)
        if self.unit == "epoch":
            if epoch > 0 and epoch % self.every == 0:
                for optimizer in optimizers:
                    optimizer.restart()
                say(self, f"Epoch {epoch + 1}: MomentumRestart setting velocity to 0.")
        elif self._before is None:
            # Not when training begins, as BackupAndRestore sets all variables then.
            self._before = [optimizer.restart_every for optimizer in optimizers]
            for optimizer in optimizers:
                optimizer.restart_every = self.every
            say(
                self,
                f"Epoch {epoch + 1}: MomentumRestart setting velocity to 0 every "
                f"{self.every} updates.",
            )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        optimizers = momentum_optimizers(self.model)
        for optimizer, every in zip(optimizers, self._before or [], strict=False):
            optimizer.restart_every = every
