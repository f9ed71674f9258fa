"""What is recorded of a run while it trains."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._optimizers import (
    gamma_of,
    learning_rate_of,
    updates_after,
)
from keras_momentum.comparison._runs import check_metric
from keras_momentum.comparison._state import RandomState, value_of


class Recorder(keras.callbacks.Callback):
    """Records the logs of each epoch, the updates and the time that training takes.

    Training ends where the loss becomes infinite or NaN. Gamma and the learning
    rate are put into the logs, where TensorBoard's callback behind this one sees them.

    Args:
        on_epoch: Is called with the logs and the number of each epoch, from 1.
        metric: What must be in the logs, if it belongs to the validation as soon as
            there is one.

    Raises:
        ValueError: At the end of an epoch, if `metric` is not in the logs.

    Attributes:
        history: The logs of each epoch, by name; `None` for what an epoch has not.
        steps: The number of updates at the end of each epoch.
        seconds: The time spent in training by then, without the first step.
        first_step_seconds: The duration of the first step.
        between: What was validated within epochs.
    """

    def __init__(
        self,
        on_epoch: Callable[[dict[str, float], int], None],
        metric: str,
    ):
        super().__init__()
        self._on_epoch = on_epoch
        self._metric = metric
        self.history: dict[str, list[float | None]] = {}
        self.steps: list[int] = []
        self.seconds: list[float] = []
        self.first_step_seconds = 0.0
        self.between: dict[str, list[float]] = {}
        self._last_batch = -1
        self._batches = 0
        self._is_training = False
        self._trained = 0.0
        self._begin = 0.0

    @property
    def state(self) -> dict[str, Any]:
        """What `go_on` needs."""
        names = ("history", "steps", "seconds", "first_step_seconds", "between")
        return {name: getattr(self, name) for name in (*names, "_batches", "_trained")}

    def go_on(self, state: dict[str, Any]) -> None:
        """Goes on with a run, of which `state` was kept."""
        self.__dict__.update(state)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.go_on_counting()

    def go_on_counting(self) -> None:
        """From here on time is that of training."""
        self._is_training = True
        self._begin = time.perf_counter()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if not self.first_step_seconds:
            now = time.perf_counter()
            self.first_step_seconds = now - self._begin
            self._begin = now
        # Keras's TerminateOnNaN would print a line, whatever `verbose` is.
        if logs and not np.all(np.isfinite(logs.get("loss", 0.0))):
            self.model.stop_training = True
        self._last_batch = batch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.pause()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.pause()
        logs = {} if logs is None else logs
        optimizer = self.model.optimizer
        logs.setdefault("gamma", gamma_of(optimizer))
        logs.setdefault("learning_rate", learning_rate_of(optimizer))
        # Not `iterations`: Keras on TensorFlow counts a step too many where data end
        # without notice.
        self._batches = self.batches_after(self._last_batch)
        self.steps.append(self._batches // updates_after(optimizer))
        self.seconds.append(self._trained)
        numbers = {
            name: float(value) for name, value in logs.items() if not np.ndim(value)
        }
        is_validated = any(name.startswith("val_") for name in numbers)
        if is_validated or not self._metric.startswith("val_"):
            check_metric(self._metric, numbers)
        done = len(self.steps) - 1
        for name in {**self.history, **numbers}:
            values = self.history.setdefault(name, [None] * done)
            values.append(numbers.get(name))
        self._on_epoch(numbers, len(self.steps))

    def batches_after(self, batch: int) -> int:
        """How many batches there have been after one of this epoch."""
        return self._batches + batch + 1

    def add(self, batch: int, logs: dict[str, float]) -> None:
        """Records a validation within an epoch, after one of its batches."""
        batches = self.batches_after(batch)
        found = {
            "steps": batches // updates_after(self.model.optimizer),
            "seconds": self._trained,
            **logs,
        }
        for name, value in found.items():
            self.between.setdefault(name, []).append(value)

    def pause(self) -> None:
        """Time is not counted until training goes on."""
        if self._is_training:
            self._trained += time.perf_counter() - self._begin
        self._is_training = False


class Between(keras.callbacks.Callback):
    """Validates every so many updates, without a trace in the training.

    Args:
        every: The number of updates.
        validation: The arguments of `evaluate`.
        callbacks: Those that take part in a validation.
        recorder: Gets what was found.
    """

    def __init__(
        self,
        every: int,
        validation: dict[str, Any],
        callbacks: list[keras.callbacks.Callback],
        recorder: Recorder,
    ):
        super().__init__()
        self._every = every
        self._validation = validation
        self._callbacks = callbacks
        self._recorder = recorder

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        done = self._recorder.batches_after(batch)
        every = self._every * updates_after(self._recorder.model.optimizer)
        is_last = batch + 1 == self.params.get("steps")
        if done % every or is_last or (logs and math.isnan(_loss(logs))):
            return
        self._recorder.pause()
        model = self.model
        # PyTorch's loaders draw a number when they are made.
        random_state = RandomState()
        metrics = [(each, value_of(each)) for each in model.metrics_variables]
        found = model.evaluate(
            **self._validation,
            callbacks=keras.callbacks.CallbackList(
                self._callbacks, model=model, **self.params
            ),
            verbose=0,
            return_dict=True,
        )
        for variable, value in metrics:
            variable.assign(value)
        random_state.restore()
        values = {f"val_{k}": float(v) for k, v in found.items() if not np.ndim(v)}
        self._recorder.add(batch, values)
        self._recorder.go_on_counting()


def _loss(logs: dict[str, Any]) -> float:
    return float(np.mean(logs.get("loss", 0.0)))
