"""Restart-every-k."""

import contextlib
from typing import Any

from keras_momentum import arguments
from keras_momentum.callbacks._callback import MomentumCallback
from keras_momentum.callbacks._movable import RESTART_EVERY
from keras_momentum.callbacks._train_function import TrainFunction


class MomentumRestart(MomentumCallback):
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
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, or another MomentumRestart restarts it by
            the step.

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

    restarts = True

    def __init__(
        self, every: int, unit: str = "step", verbose: int = 0, optimizer: Any = None
    ):
        super().__init__(optimizer, verbose)
        self.every = arguments.integer("every", every, minimum=1)
        self.unit = arguments.one_of("unit", unit, ("step", "epoch"))
        self.moves = (RESTART_EVERY,) if unit == "step" else ()
        self._found: list[int | None] = []

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        # Before BackupAndRestore puts the `restart_every` of the killed run there.
        self._found = []
        if not isinstance(getattr(model, "train_function", None), TrainFunction):
            with contextlib.suppress(ValueError, AttributeError):
                self._found = [o.restart_every for o in self._optimizers()]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if len(self._found) == len(self._intervals):
            self._intervals = self._found

    def _begin(self, epoch: int) -> None:
        if self.unit == "step":
            for optimizer in self._optimizers():
                optimizer.restart_every = self.every
            self._say(
                f"Epoch {epoch + 1}: MomentumRestart setting velocity to 0 every "
                f"{self.every} updates."
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        if self.unit == "epoch" and epoch > 0 and epoch % self.every == 0:
            for optimizer in self._optimizers():
                optimizer.restart()
            self._say(f"Epoch {epoch + 1}: MomentumRestart setting velocity to 0.")
