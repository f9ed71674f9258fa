"""The losses of batches, out of logs that may have the mean of the epoch so far."""

import math
from typing import Any

import keras

from keras_momentum._numbers import number


class BatchLosses:
    """The mean loss of the batches since it was last taken.

    Keras's own step logs the mean of the epoch so far; a `train_step` of one's own may
    log the loss of its batch, and in a loop with `train_on_batch` each mean is that of
    one batch. Both ways are reckoned side by side:

    ```python
    loss = mean[b] * (b + 1) - mean[b - 1] * b   # the logs have means
    loss = logs["loss"]                          # the logs have losses of batches
    ```

    What tells them apart is the metric from which a mean comes: the model has a
    `keras.metrics.Mean` named "loss", its result is what the logs have, and it counts
    more than when it was last looked at in this epoch. No name of a class or method is
    needed for that, and it holds for metrics of one's own. In the first batch of an
    epoch both are the same.
    """

    def __init__(self) -> None:
        self.begin_epoch()
        self._is_mean: bool | None = None
        self._clear()

    def begin_epoch(self) -> None:
        """An epoch begins, and the metrics with it."""
        self._sum = 0.0
        self._done = 0
        self._count: float | None = None
        self._looked_at = 0

    def add(self, batch: int, loss: float, model: Any) -> None:
        """Takes up the logs of an execution.

        Args:
            batch: Its last batch.
            loss: The loss in the logs.
            model: Returns the model; called for the first batches only, as each look
                costs time on JAX.
        """
        batches = batch + 1 - self._done
        total = loss * (batch + 1)
        self._by_means += total - self._sum
        self._by_batches += loss * batches
        self._sum, self._done = total, batch + 1
        self.batches += batches
        if self._is_mean is None:
            self.look(loss, model())

    def look(self, loss: float, model: Any) -> None:
        """Finds out what the logs have.

        Args:
            loss: The loss in the latest logs.
            model: The model.
        """
        if self._looked_at == self._done:
            return
        self._looked_at = self._done
        tracker = next(
            (
                metric
                for metric in getattr(model, "metrics", [])
                if metric.name == "loss" and isinstance(metric, keras.metrics.Mean)
            ),
            None,
        )
        if tracker is None:
            self._is_mean = False
            return
        count, before = number(tracker.count), self._count
        self._count = count
        if before is not None:
            result = number(tracker.result())
            is_same = math.isclose(result, loss, rel_tol=1e-5) or (
                math.isnan(result) and math.isnan(loss)
            )
            self._is_mean = is_same and count > before

    def take(self) -> float:
        """The mean loss of the batches since the last time."""
        by_means = self._by_means
        if abs(by_means) < 1e-6 * abs(self._sum):
            # A mean has the digits of a float32; what is lost in it counts as 0.
            by_means = 0.0
        is_mean = self._is_mean is not False
        loss = (by_means if is_mean else self._by_batches) / self.batches
        self._clear()
        return loss

    def _clear(self) -> None:
        self._by_means = self._by_batches = 0.0
        self.batches = 0
