"""A guard against too much momentum."""

import math
from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_optimizers import (
    claim_gamma,
    momentum_optimizers,
    say,
)
from keras_momentum.callbacks.observed_step import observed_step
from keras_momentum.callbacks.overshoot import Overshoot, Window
from keras_momentum.optimizers import MomentumOptimizer


class OvershootGuard(keras.callbacks.Callback):
    """Lowers gamma, or restarts, when the weights overshoot.

    With too much momentum the weights run past the minimum and up the other side, as an
    underdamped oscillator does: the velocity points uphill, ⟨g, v⟩ < 0, in up to half
    of all updates. With less it hardly ever does, not even where the gradients are
    nothing but noise: then the cosine is √(1 − γ²) in the mean, 0.44 for 0.9. The guard
    compares windows of updates and sees too much momentum in each of `patience` windows

    - that *oscillate*: the velocity points uphill in more than `max_uphill` of the
      updates, and the loss is not half of that of the window before, as that of an
      oscillation would be which dies away;
    - or that *diverge*: the loss is twice the lowest one so far or more, and the
      velocity is longer than it was there.

    Then the velocity restarts from zero and, with `action="lower"`, gamma goes down:

    ```python
    gamma = max(1 - (1 - gamma) / factor, min_gamma)   # the horizon times `factor`
    ```

    A run that needs no help is not changed, bit for bit; on TensorFlow with
    `jit_compile=True`, where the step is another program, but for rounding. The step
    measures each update for this, which costs about as much as the update itself. A
    loss that is not a number can't be helped: see `keras.callbacks.TerminateOnNaN`.

    Args:
        action: `"lower"` or `"restart"`. Only the latter works with a schedule or with
            another callback that moves gamma. Defaults to `"lower"`.
        factor: A float in (0, 1). Defaults to `0.1`: 0.999, 0.99, 0.9.
        min_gamma: A float in [0, 1]. Gamma is not lowered below it. Defaults to `0.9`.
        window: An integer >= 10, in batches. Defaults to `25`.
        patience: An integer >= 1, in windows. Defaults to `2`.
        max_uphill: A float in [0, 1]. Defaults to `0.15`.
        verbose: An integer >= 0. 0: quiet, 1: a line whenever it acts. Defaults to `1`,
            as what it does should not go unnoticed.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, or another callback moves it.
        TypeError: When training begins, if gamma is to be lowered and a schedule
            decides it.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> optimizer = keras_momentum.Momentum(learning_rate=0.01, momentum=0.999)
    >>> model.compile(optimizer, loss="mse")
    >>> guard = keras_momentum.callbacks.OvershootGuard(verbose=0)
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(x, y, epochs=300, verbose=0, callbacks=[guard])
    >>> float(optimizer.gamma) < 0.999
    True

    Reference:

    - O'Donoghue and Candès, 2015, "Adaptive restart for accelerated gradient schemes"
      (⟨g, v⟩ < 0 as the sign of too much momentum).
    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning" (oscillation in directions of high curvature).
    - Zhang and Mitliagkas, 2019, "YellowFin and the art of momentum tuning" (momentum
      lowered by what is measured).
    """

    def __init__(
        self,
        action: str = "lower",
        factor: float = 0.1,
        min_gamma: float = 0.9,
        window: int = 25,
        patience: int = 2,
        max_uphill: float = 0.15,
        verbose: int = 1,
    ):
        super().__init__()
        if action not in ("lower", "restart"):
            raise ValueError(
                'Argument `action` must be "lower" or "restart". '
                f"Received: action={action!r}"
            )
        self.action = action
        if not isinstance(factor, float) or not 0.0 < factor < 1.0:
            raise ValueError(
                "Argument `factor` must be a float in the range (0, 1). "
                f"Received: factor={factor!r}"
            )
        self.factor = factor
        self.min_gamma = arguments.coefficient("min_gamma", min_gamma)
        self.window = arguments.integer("window", window, minimum=10)
        self.patience = arguments.integer("patience", patience, minimum=1)
        self.max_uphill = arguments.coefficient("max_uphill", max_uphill)
        self.verbose = arguments.integer("verbose", verbose, minimum=0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.action == "lower":
            optimizers = claim_gamma(self)
        else:
            optimizers = momentum_optimizers(self.model)
        self._judges = [Overshoot(self.patience, self.max_uphill) for _ in optimizers]
        self._is_observing = False
        self._losses = 0.0
        self._batches = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        self._done = 0
        self._sum = 0.0
        if not self._is_observing:
            # Not when training begins, as BackupAndRestore sets all variables then.
            self._is_observing = True
            observed_step(self).observe_always()
            for judge, optimizer in zip(
                self._judges, momentum_optimizers(self.model), strict=True
            ):
                judge.begin(optimizer.observation())

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # `logs` has the mean of the epoch so far.
        total = (logs or {}).get("loss", math.nan) * (batch + 1)
        self._losses += total - self._sum
        self._batches += batch + 1 - self._done
        self._sum, self._done = total, batch + 1
        if self._batches >= self.window:
            # The mean has the digits of a float32; what is lost in it counts as 0.
            is_lost = self._losses < 1e-6 * self._sum
            self._judge(0.0 if is_lost else self._losses / self._batches)
            self._losses, self._batches = 0.0, 0

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        observed_step(self).end()

    def _judge(self, loss: float) -> None:
        for judge, optimizer in zip(
            self._judges, momentum_optimizers(self.model), strict=True
        ):
            reason = judge(Window(loss, optimizer.observation()))
            if reason:
                self._act(optimizer, reason)

    def _act(self, optimizer: MomentumOptimizer, reason: str) -> None:
        gamma = float(ops.convert_to_numpy(optimizer.gamma))
        # Rounded, as gamma has the digits of a float32.
        lower = max(self.min_gamma, round(1.0 - (1.0 - gamma) / self.factor, 6))
        done = "setting velocity to 0"
        optimizer.restart()
        if self.action == "lower" and lower < gamma:
            optimizer.gamma = lower
            done = f"lowering gamma from {gamma:.6g} to {lower:.6g}"
        where = f"Epoch {self._epoch + 1}, batch {self._done}"
        say(self, f"{where}: OvershootGuard {done}, because {reason}.")
