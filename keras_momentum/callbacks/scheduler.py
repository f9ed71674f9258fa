"""A hyper-parameter by a function of the epoch or of the update."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum._numbers import number
from keras_momentum.callbacks._movable import present
from keras_momentum.callbacks._moving_callback import NamedCallback
from keras_momentum.callbacks._scheduled_values import Limits, ScheduledValues
from keras_momentum.callbacks._step_plan import StepPlan
from keras_momentum.callbacks._steps import last_update
from keras_momentum.optimizers import MomentumOptimizer

Schedule = keras.optimizers.schedules.LearningRateSchedule


class Scheduler(NamedCallback):
    """Sets a hyper-parameter by a schedule, as `LearningRateScheduler` of Keras does.

    ```python
    value = schedule(epoch, value)   # a function; at the beginning of each epoch
    value = schedule(epoch)          # a LearningRateSchedule, Keras's or ours
    ```

    Any hyper-parameter that the optimizer was given as a float can be set so;
    `optimizer.hyperparameters` lists what there is. `GammaScheduler` is the one of
    gamma.

    With `unit="step"` the schedule takes the number of updates since the beginning of
    epoch 0. A `LearningRateSchedule` is then evaluated for 1,024 updates at a time, and
    the compiled step takes each value in its turn. A function, which may depend on
    anything, is called before every update: that stops an accelerator's queue and on
    JAX copies the whole training state to the model and back. What is known beforehand
    belongs in the optimizer's argument: `MomentumAdam(beta_2=LinearRamp(0.9, 0.99,
    steps=5000))`.

    Args:
        name: A string. Any name of the hyper-parameter: `"weight_decay"`, `"beta_2"`,
            `"learning_rate"`, `"momentum"`, ... In the logs it has the name that it has
            in `optimizer.hyperparameters`, gamma whatever it is called.
        schedule: A function of an integer and the current value that returns the new
            one, or an instance of `LearningRateSchedule`. Of a hyper-parameter with
            several numbers a value is a list of them.
        unit: `"epoch"` or `"step"`. Defaults to `"epoch"`.
        verbose: An integer >= 0. 0: quiet, 1: a line whenever an epoch begins with
            another value. Defaults to `0`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if an
            optimizer has no such hyper-parameter, another callback moves it, a function
            is to be called before every update though `steps_per_execution` is not 1,
            or a `LearningRateSchedule` returns what the hyper-parameter may not be
            within the run; when `schedule` returns something else.
        TypeError: When training begins, if a schedule already decides the
            hyper-parameter, or it is a weight decay that is `None`.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(weight_decay=0.5), loss="mse")
    >>> scheduler = keras_momentum.callbacks.Scheduler(
    ...     "weight_decay", lambda epoch, decay: decay if epoch == 0 else decay / 2
    ... )
    >>> history = model.fit(
    ...     np.ones((8, 4)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[scheduler]
    ... )
    >>> history.history["weight_decay"]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        name: str,
        schedule: Callable[..., Any],
        unit: str = "epoch",
        verbose: int = 0,
        optimizer: Any = None,
    ):
        super().__init__(name, optimizer, verbose)
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
                f"{self._said} before every update; a LearningRateSchedule works with "
                "any. "
                f"Received: steps_per_execution={per_execution}"
            )
        self._last_values: list[Any] = []

    def _begin(self, epoch: int) -> None:
        optimizers = self._optimizers()
        self._done: dict[int, tuple[int, Any]] = {}
        if self._is_planned:
            self._values = {}
            for optimizer, first in zip(optimizers, self._firsts, strict=True):
                values = ScheduledValues(
                    self.schedule,
                    self._limits(optimizer),
                    int(number(optimizer.iterations)) - first,
                    last_update(self._params, optimizer),
                    present(optimizer, self.name),
                )
                values.check()
                self._values[id(optimizer)] = values
            self._plan.begin(optimizers, self._firsts)
        elif self.unit == "epoch" and isinstance(self.schedule, Schedule):
            for later in range(epoch, self._params.get("epochs", epoch + 1)):
                for optimizer in optimizers:
                    self._limits(optimizer).of(self.schedule(later), f"epoch {later}")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        optimizers = self._optimizers()
        if self._is_planned:
            self._plan.before_epoch()
            for optimizer, first in zip(optimizers, self._firsts, strict=True):
                now = int(number(optimizer.iterations))
                self._say_if_clipped(optimizer, now - first)
        elif self._is_called_each_step:
            # See StepPlan: what was set before a batch that did not come.
            for place, (_, value) in self._done.items():
                optimizers[place].hyperparameter(self.name).set(value)
        else:
            for optimizer in optimizers:
                self._set(optimizer, epoch)
        values = [present(optimizer, self.name) for optimizer in optimizers]
        if values != self._last_values:
            shown = ", ".join(map(_shown, values))
            self._say(
                f"Epoch {epoch + 1}: {type(self).__name__} setting {self._said} to "
                f"{shown}."
            )
        self._last_values = values

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_begin(batch, logs)
        if self._is_called_each_step:
            pairs = zip(self._optimizers(), self._firsts, strict=False)
            for place, (optimizer, first) in enumerate(pairs):
                now = int(number(optimizer.iterations))
                done, _ = self._done.get(place, (-1, None))
                if now > done:  # Else this batch is only accumulated.
                    self._set(optimizer, now - first)
                    self._done[place] = now, present(optimizer, self.name)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_end(batch, logs)
        if self._is_planned and self._is_in_charge:
            self._plan.after_batch()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_planned and self._lease is not None:
            for optimizer, first in zip(self._optimizers(), self._firsts, strict=False):
                last = int(number(optimizer.iterations)) - 1
                self._say_if_clipped(optimizer, last - first)
        super().on_train_end(logs)

    def _limits(self, optimizer: MomentumOptimizer) -> Limits:
        return Limits(optimizer.hyperparameter(self.name), type(self).__name__)

    def _set(self, optimizer: MomentumOptimizer, index: int) -> None:
        if isinstance(self.schedule, Schedule):
            value = self.schedule(index)
        else:
            value = self.schedule(index, present(optimizer, self.name))
        value = self._limits(optimizer).of(value, f"{self.unit} {index}")
        optimizer.hyperparameter(self.name).set(value)

    def _hand_out(
        self, optimizer: MomentumOptimizer, steps: np.ndarray, begin: int
    ) -> None:
        values = self._values[id(optimizer)].at(steps)
        optimizer.plan(self.name, values.tolist(), begin=begin)

    def _say_if_clipped(self, optimizer: MomentumOptimizer, step: int) -> None:
        values = self._values.get(id(optimizer))
        outside = None if values is None else values.first_outside
        if outside is not None and step >= outside[0]:
            self._warn(
                "clipped",
                f"The `schedule` of {type(self).__name__}, a "
                f"{type(self.schedule).__name__}, left "
                f"{self._limits(optimizer).bounds.interval} at step {outside[0]}, "
                f"where it is {_shown(outside[1])}; {self._said} stays at its last "
                "value in the range.",
            )


def _shown(value: Any) -> str:
    """A number, or several."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    return f"{value:.6g}"
