"""Gamma by a function of the epoch or of the update."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum._numbers import number
from keras_momentum.callbacks._gamma_callback import GammaCallback
from keras_momentum.callbacks._gamma_values import GammaValues, gamma_of
from keras_momentum.callbacks._step_plan import StepPlan
from keras_momentum.callbacks._steps import last_update
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
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, another callback moves it, or a function is
            to be called before every update though `steps_per_execution` is not 1, or a
            `LearningRateSchedule` leaves [0, 1] within the run; when `schedule` returns
            something else.
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
        optimizer: Any = None,
    ):
        super().__init__(optimizer, verbose)
        if not callable(schedule) or isinstance(schedule, type):
            raise ValueError(
                "Argument `schedule` must be a function of an integer and a float, or "
                f"an instance of LearningRateSchedule. Received: schedule={schedule!r}"
            )
        self.schedule = schedule
        self.unit = arguments.one_of("unit", unit, ("epoch", "step"))
        self._is_planned = unit == "step" and isinstance(schedule, Schedule)
        self._is_called_each_step = unit == "step" and not self._is_planned
        self._plan = StepPlan(self, self._hand_out)

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

    def _begin(self, epoch: int) -> None:
        optimizers = self._optimizers()
        self._done: dict[int, tuple[int, float]] = {}
        if self._is_planned:
            ends = [last_update(self._params, optimizer) for optimizer in optimizers]
            known = [end for end in ends if end is not None]
            self._values = GammaValues(self.schedule, max(known, default=None))
            for optimizer, first in zip(optimizers, self._firsts, strict=True):
                self._values.check(int(number(optimizer.iterations)) - first)
            self._plan.begin(optimizers, self._firsts)
        elif self.unit == "epoch" and isinstance(self.schedule, Schedule):
            for later in range(epoch, self._params.get("epochs", epoch + 1)):
                gamma_of(self.schedule(later), f"epoch {later}")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        optimizers = self._optimizers()
        if self._is_planned:
            self._plan.before_epoch()
            for optimizer, first in zip(optimizers, self._firsts, strict=True):
                self._say_if_clipped(int(number(optimizer.iterations)) - first)
        elif self._is_called_each_step:
            # See StepPlan: what was set before a batch that did not come.
            for place, (_, gamma) in self._done.items():
                optimizers[place].gamma = gamma
        else:
            for optimizer in optimizers:
                self._set(optimizer, epoch)
        gammas = [number(optimizer.gamma) for optimizer in optimizers]
        if gammas != self._last_gammas:
            shown = ", ".join(f"{gamma:.6g}" for gamma in gammas)
            self._say(f"Epoch {epoch + 1}: GammaScheduler setting gamma to {shown}.")
        self._last_gammas = gammas

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_begin(batch, logs)
        if self._is_planned:
            self._plan.before_batch()
        elif self._is_called_each_step:
            pairs = zip(self._optimizers(), self._firsts, strict=False)
            for place, (optimizer, first) in enumerate(pairs):
                now = int(number(optimizer.iterations))
                done, _ = self._done.get(place, (-1, 0.0))
                if now > done:  # Else this batch is only accumulated.
                    self._set(optimizer, now - first)
                    self._done[place] = now, number(optimizer.gamma)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_planned and self._lease is not None:
            for optimizer, first in zip(self._optimizers(), self._firsts, strict=False):
                self._say_if_clipped(int(number(optimizer.iterations)) - first - 1)
        super().on_train_end(logs)

    def _set(self, optimizer: MomentumOptimizer, index: int) -> None:
        if isinstance(self.schedule, Schedule):
            value = self.schedule(index)
        else:
            value = self.schedule(index, number(optimizer.gamma))
        optimizer.gamma = gamma_of(value, f"{self.unit} {index}")

    def _hand_out(self, optimizer: MomentumOptimizer, steps: np.ndarray) -> None:
        optimizer.plan("gamma", self._values.at(steps).tolist())

    def _say_if_clipped(self, step: int) -> None:
        outside = self._values.first_outside
        if outside is not None and step >= outside[0]:
            self._warn(
                "clipped",
                f"The `schedule` of GammaScheduler, a {type(self.schedule).__name__}, "
                f"left [0, 1] at step {outside[0]}, where it is {outside[1]:.6g}; "
                "gamma stays at its last value in the range.",
            )
