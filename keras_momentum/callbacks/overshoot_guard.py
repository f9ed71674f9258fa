"""A guard against too much momentum."""

import math
from typing import Any

from keras_momentum import arguments
from keras_momentum._numbers import number
from keras_momentum.callbacks._batch_losses import BatchLosses
from keras_momentum.callbacks._callback import MomentumCallback
from keras_momentum.callbacks._overshoot import Overshoot, Window
from keras_momentum.optimizers import MomentumOptimizer


class OvershootGuard(MomentumCallback):
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
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, or another callback moves it.
        TypeError: When training begins, if gamma is to be lowered and a schedule
            decides it.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> optimizer = keras_momentum.Momentum(learning_rate=0.01, momentum=0.999)
    >>> model.compile(optimizer, loss="mse")
    >>> guard = keras_momentum.callbacks.OvershootGuard(verbose=0)
    >>> x, y = np.ones((2400, 4)), np.ones((2400, 1))
    >>> history = model.fit(x, y, batch_size=8, verbose=0, callbacks=[guard])
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

    moves: tuple[str, ...] = ("gamma",)
    restarts = True
    _observes = True

    def __init__(
        self,
        action: str = "lower",
        factor: float = 0.1,
        min_gamma: float = 0.9,
        window: int = 25,
        patience: int = 2,
        max_uphill: float = 0.15,
        verbose: int = 1,
        optimizer: Any = None,
    ):
        super().__init__(optimizer, verbose)
        self.action = arguments.one_of("action", action, ("lower", "restart"))
        if action == "restart":
            self.moves = ()
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

    def _begin(self, epoch: int) -> None:
        assert self._lease is not None
        self._lease.is_observing = True
        self._judges = []
        for optimizer in self._lease.optimizers:
            judge = Overshoot(self.patience, self.max_uphill)
            judge.begin(optimizer.observation())
            self._judges.append(judge)
        self._losses = BatchLosses()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._losses.begin_epoch()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        logs = {} if logs is None else logs
        loss = logs.get("loss", math.nan)
        if "loss" not in logs:
            self._warn(
                "no loss",
                "OvershootGuard finds no `loss` in the logs, so that it sees "
                "oscillations and no divergence. Available metrics are: "
                f"{', '.join(logs) or 'none'}.",
            )
        self._losses.add(batch, loss, lambda: self.model)
        if self._losses.batches >= self.window:
            self._losses.look(loss, self.model)
            self._judge(self._losses.take(), batch)

    def _judge(self, loss: float, batch: int) -> None:
        if self._lease is None:
            return
        for judge, optimizer in zip(self._judges, self._lease.optimizers, strict=True):
            reason = judge(Window(loss, optimizer.observation()))
            if reason:
                where = f"Epoch {self._epoch + 1}, batch {batch + 1}"
                done = self._act(optimizer)
                self._say(f"{where}: OvershootGuard {done}, because {reason}.")

    def _act(self, optimizer: MomentumOptimizer) -> str:
        """Restarts and lowers gamma; returns what it does."""
        gamma = number(optimizer.gamma)
        # Rounded, as gamma has the digits of a float32.
        lower = max(self.min_gamma, round(1.0 - (1.0 - gamma) / self.factor, 6))
        optimizer.restart()
        if self.action == "lower" and lower < gamma:
            optimizer.gamma = lower
            return f"lowering gamma from {gamma:.6g} to {lower:.6g}"
        return "setting velocity to 0"

    def _counts(self, optimizer: MomentumOptimizer) -> list[int]:
        return [*super()._counts(optimizer), optimizer.observation().observed]
