"""What is logged of each epoch beside losses and accuracies."""

import math
import time
from typing import Any

import keras

from fruits.checkpoint import metrics_of
from fruits.pipeline import DataWait
from keras_momentum.comparison import gamma_of

RATE = "pictures_per_second"


class Monitor(keras.callbacks.Callback):
    """Adds gamma, the learning rate and how fast the training is to the logs.

    `data_wait` is the share of the epoch's time in which the step had no pictures, and
    `pictures_per_second` how many it was trained on in a second, the validation left
    out. In the first epoch after a start that includes the compilation. It is NaN where
    a run goes on with the validation of an epoch: there is nothing to be measured.

    Args:
        wait: Measures the time without pictures.
        batch_size: The number of pictures in a batch.
    """

    def __init__(self, wait: DataWait, batch_size: int):
        super().__init__()
        self._wait = wait
        self._batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin = time.perf_counter()
        self._waited = self._wait.seconds
        # Where the run goes on within an epoch, so many are passed by.
        self._passed = self._batches = self.params.get("batches_done", 0)

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self._batches = max(self._batches, batch + 1)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        # Whatever an accelerator still had to do is done when they are read.
        metrics_of(self.model)
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        optimizer = self.model.optimizer
        logs["gamma"] = gamma_of(optimizer)
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(optimizer.learning_rate)
        )
        elapsed = time.perf_counter() - self._begin
        logs["data_wait"] = (self._wait.seconds - self._waited) / elapsed
        pictures = (self._batches - self._passed) * self._batch_size
        seconds = self._trained - self._begin
        logs[RATE] = pictures / seconds if pictures else math.nan
