"""The callbacks by which a run is saved, and goes on where it was interrupted."""

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fruits.checkpoint import Checkpoint, metrics_of, values_of
from fruits.interruption import SAVE, Interruption, end
from fruits.records import Records

# A run is saved after every epoch, and after so many seconds within one.
EVERY = 300.0


class GoOn(keras.callbacks.Callback):
    """Puts a run in place where it was saved. The first of the callbacks.

    `fit` can only begin with a whole epoch. Of the first one, the batches that are over
    are passed by: `fit` counts them, and the training function does nothing.

    Args:
        checkpoint: Where the run goes on.
    """

    def __init__(self, checkpoint: Checkpoint):
        super().__init__()
        self._checkpoint = checkpoint

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._checkpoint.put_values(self.model)
        self._pass_by = _PassBy(self.model.train_function, self._checkpoint.batch)
        # Before other callbacks put something around it.
        self.model.train_function = self._pass_by

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        batch = self._checkpoint.batch if epoch == self._checkpoint.epoch else 0
        # For callbacks that ask with which update an epoch, and the run, began.
        self.params["batches_done"] = batch
        self.params["first_update"] = 0
        if batch:
            self._checkpoint.put_metrics(self.model)
            self._pass_by.logs = self.model.get_metrics_result()


class _PassBy:
    """A training function that does nothing the first times it is called.

    Args:
        function: What is called afterwards.
        times: How often it does nothing.

    Attributes:
        logs: What it returns then.
    """

    def __init__(self, function: Callable[..., Any], times: int):
        self._function = function
        self._left = times
        self.logs: dict[str, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        if self._left == 0:
            return self._function(*arguments)
        self._left -= 1
        # On JAX the state of the model is an argument, and goes on.
        *state, _ = arguments
        return (self.logs, *state) if state else self.logs


class Keeper(keras.callbacks.Callback):
    """Records and saves a run, and ends it where that is asked for.

    The last of the callbacks: others add to the logs that are recorded.

    Args:
        save: What saves a checkpoint.
        save_best: What saves the model after its best epoch so far.
        records: What is recorded.
        interruption: Whether the run is to end.
        resumed: Where the run goes on; `None` for one that begins.
    """

    def __init__(
        self,
        save: Callable[[Checkpoint], None],
        save_best: Callable[[keras.Model], None],
        records: Records,
        interruption: Interruption,
        resumed: Checkpoint | None,
    ):
        super().__init__()
        self._save = save
        self._save_best = save_best
        self._records = records
        self._interruption = interruption
        self._resumed = resumed

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._resumed is not None:
            # Once more, whatever other callbacks have done to them.
            self._resumed.put_values(self.model)
        before = self._resumed.seconds if self._resumed else 0.0
        self._begin = time.perf_counter() - before
        self._saved = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        # That many batches are passed by.
        self._batch = self._resumed.batch if self._resumed else 0
        self._resumed = None

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self._batch = max(self._batch, batch + 1)
        is_time = time.perf_counter() - self._saved > EVERY
        # Never `self.model` without need: on JAX that copies the state of the training.
        # In all processes, as reading a metric may need them all.
        if request := self._interruption.request(SAVE if is_time else 0):
            self._keep(self._epoch, self._batch, metrics_of(self.model))
            end(request)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        # They are still those of the training.
        self._metrics = metrics_of(self.model)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if request := self._interruption.request():
            self._keep(self._epoch, self._batch, self._metrics)
            end(request)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - self._begin
        self._records.add({**(logs or {}), "seconds": seconds})
        if self._records.is_best:
            self._save_best(self.model)
        self._keep(epoch + 1, 0, [])
        end(self._interruption.request())

    def _keep(self, epoch: int, batch: int, metrics: list[np.ndarray]) -> None:
        self._save(
            Checkpoint(
                epoch=epoch,
                batch=batch,
                records=self._records.epochs,
                seconds=time.perf_counter() - self._begin,
                metrics=metrics,
                values=values_of(self.model),
            )
        )
        self._saved = time.perf_counter()
