"""The callback that records a run."""

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison.candidate import (
    gamma_of,
    learning_rate_of,
    updates_after,
)
from keras_momentum.comparison.run import check_metric


class Recorder(keras.callbacks.Callback):
    """Records the logs of each epoch, the updates and the time that training takes.

    Training ends where the loss becomes infinite or NaN. Gamma and the learning
    rate are put into the logs, where TensorBoard's callback behind this one sees them.

    Args:
        on_epoch: Is called with the logs of each epoch.
        metric: `None` or what must be in the logs.

    Raises:
        ValueError: At the end of an epoch, if `metric` is not in the logs.

    Attributes:
        history: The logs of each epoch, by name.
        steps: The number of updates at the end of each epoch.
        seconds: The time spent in training by then, without the first step.
        first_step_seconds: The duration of the first step.
    """

    def __init__(
        self, on_epoch: Callable[[dict[str, float]], None], metric: str | None
    ):
        super().__init__()
        self._on_epoch = on_epoch
        self._metric = metric
        self.history: dict[str, list[float]] = {}
        self.steps: list[int] = []
        self.seconds: list[float] = []
        self.first_step_seconds = 0.0
        self._last_batch = -1
        self._batches = 0
        self._is_training = False
        self._trained = 0.0
        self._begin = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
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
        if logs and not math.isfinite(logs.get("loss", 0.0)):
            self.model.stop_training = True
        self._last_batch = batch

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._pause()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._pause()
        logs = {} if logs is None else logs
        optimizer = self.model.optimizer
        logs.setdefault("gamma", gamma_of(optimizer))
        logs.setdefault(
            "learning_rate",
            learning_rate_of(optimizer),
        )
        # Not `iterations`: Keras on TensorFlow counts a step too many where data end
        # without notice.
        self._batches += self._last_batch + 1
        self.steps.append(self._batches // updates_after(optimizer))
        self.seconds.append(self._trained)
        numbers = {
            name: float(value) for name, value in logs.items() if not np.ndim(value)
        }
        if self._metric is not None:
            check_metric(self._metric, numbers)
        for name, value in numbers.items():
            self.history.setdefault(name, []).append(value)
        self._on_epoch(numbers)

    def _pause(self) -> None:
        if self._is_training:
            self._trained += time.perf_counter() - self._begin
        self._is_training = False
