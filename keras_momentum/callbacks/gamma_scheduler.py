"""Gamma by a function of the epoch or of the update."""

import numbers
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.callbacks import step_plan
from keras_momentum.callbacks.gamma_callback import GammaCallback, first_update
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers, say
from keras_momentum.optimizers import MomentumOptimizer

Schedule = keras.optimizers.schedules.LearningRateSchedule


class GammaScheduler(GammaCallback):
    """Sets gamma by a schedule, as `keras.callbacks.LearningRateScheduler` does.

    ```python
    gamma = schedule(epoch, gamma)   # a function; at the beginning of each epoch
    gamma = schedule(epoch)          # a LearningRateSchedule, Keras's or ours
    ```

    With `unit="step"` the schedule takes the number of updates since the beginning of
    epoch 0. A `LearningRateSchedule` is then evaluated for 1,024 updates at a time, and
    the compiled step takes each value in its turn. A function, which may depend on
    anything, is called before every update: that stops an accelerator's queue, on JAX
    copies the whole training state to the model and back, and took a small `fit` from
    2.9 to 5.2 s on TensorFlow. What is known beforehand belongs in the optimizer's
    argument: `Momentum(momentum=CosineRamp(steps=5000))`.

    Args:
        schedule: A function of an integer and the current gamma that returns the new
            one, a float in [0, 1], or an instance of `LearningRateSchedule`.
        unit: `"epoch"` or `"step"`. Defaults to `"epoch"`.
        verbose: An integer >= 0. 0: quiet, 1: a line whenever an epoch begins with
            another gamma. Defaults to `0`.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, another callback moves it, or a function is
            to be called before every update though `steps_per_execution` is not 1; when
            `schedule` returns something else.
        TypeError: When training begins, if a schedule already decides gamma.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(momentum=0.5), loss="mse")
    >>> def closer_to_one(epoch, gamma):
    ...     return gamma if epoch == 0 else 1 - (1 - gamma) / 2
    >>> scheduler = keras_momentum.callbacks.GammaScheduler(closer_to_one)
    >>> history = model.fit(
    ...     np.ones((8, 4)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[scheduler]
    ... )
    >>> history.history["gamma"]
    [0.5, 0.75, 0.875]
    """

    def __init__(
        self,
        schedule: Callable[..., Any],
        unit: str = "epoch",
        verbose: int = 0,
    ):
        super().__init__(verbose)
        if not callable(schedule) or isinstance(schedule, type):
            raise ValueError(
                "Argument `schedule` must be a function of an integer and a float, or "
                f"an instance of LearningRateSchedule. Received: schedule={schedule!r}"
            )
        if unit not in ("epoch", "step"):
            raise ValueError(
                f'Argument `unit` must be "epoch" or "step". Received: unit={unit!r}'
            )
        self.schedule = schedule
        self.unit = unit
        self._is_planned = unit == "step" and isinstance(schedule, Schedule)
        self._is_called_each_step = unit == "step" and not self._is_planned
        self._plan = step_plan.StepPlan(self, self._hand_out)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        per_execution = getattr(self.model, "steps_per_execution", 1)
        if self._is_called_each_step and per_execution > 1:
            raise ValueError(
                "Argument `steps_per_execution` must be 1 for a function that sets "
                "gamma before every update; a LearningRateSchedule works with any. "
                f"Received: steps_per_execution={per_execution}"
            )
        self._last_gammas: list[float] = []

    def begin(self, epoch: int) -> None:
        if self._is_planned:
            self._plan.begin(epoch)
        elif self.unit == "step":
            optimizers = momentum_optimizers(self.model)
            self._first = [first_update(self.params, o, epoch) for o in optimizers]
            self._done: dict[int, tuple[int, float]] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        optimizers = momentum_optimizers(self.model)
        if self._is_planned:
            self._plan.before_epoch()
        elif self._is_called_each_step:
            # See StepPlan: what was set before a batch that did not come.
            for number, (_, gamma) in self._done.items():
                optimizers[number].gamma = gamma
        else:
            for optimizer in optimizers:
                self._set(optimizer, epoch)
        gammas = [_gamma(optimizer) for optimizer in optimizers]
        if gammas != self._last_gammas:
            shown = ", ".join(f"{gamma:.6g}" for gamma in gammas)
            say(self, f"Epoch {epoch + 1}: GammaScheduler setting gamma to {shown}.")
        self._last_gammas = gammas

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if self._is_planned:
            self._plan.before_batch()
        elif self._is_called_each_step:
            for number, optimizer in enumerate(momentum_optimizers(self.model)):
                now = int(ops.convert_to_numpy(optimizer.iterations))
                done, _ = self._done.get(number, (-1, 0.0))
                if now > done:  # Else this batch is only accumulated.
                    self._set(optimizer, now - self._first[number])
                    self._done[number] = now, _gamma(optimizer)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_planned:
            for optimizer in momentum_optimizers(self.model):
                optimizer.gamma = _gamma(optimizer)

    def _set(self, optimizer: MomentumOptimizer, index: int) -> None:
        if isinstance(self.schedule, Schedule):
            gamma = float(ops.convert_to_numpy(self.schedule(index)))
        else:
            gamma = self.schedule(index, _gamma(optimizer))
        if not isinstance(gamma, numbers.Real) or not 0.0 <= gamma <= 1.0:
            raise ValueError(
                "The `schedule` of GammaScheduler must return a float in the range "
                f"[0, 1]. Received: {gamma!r} for {self.unit} {index}"
            )
        optimizer.gamma = float(gamma)

    def _hand_out(self, optimizer: MomentumOptimizer, steps: np.ndarray) -> None:
        assert isinstance(self.schedule, Schedule)
        optimizer.plan("gamma", step_plan.values(self.schedule, steps).tolist())


def _gamma(optimizer: MomentumOptimizer) -> float:
    return float(ops.convert_to_numpy(optimizer.gamma))
