"""Callbacks that keep a run at the end of each epoch, and let it go on."""

import time
from typing import Any

import keras

from keras_momentum.comparison._checkpoint import Checkpoint, Loaded
from keras_momentum.comparison._recording import Recorder
from keras_momentum.comparison._runs import Run


class Before(keras.callbacks.Callback):
    """Puts the variables of a run that goes on in place, before callbacks look."""

    def __init__(self, loaded: Loaded):
        super().__init__()
        self._loaded = loaded

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._loaded.put_variables(self.model)


class Keeper(keras.callbacks.Callback):
    """Keeps what a run is at the end of each epoch, and puts that in place.

    Args:
        kept: Where; `None` for a run that can't go on.
        callbacks: The callbacks of the candidate.
        recorder: What is recorded.
        run: The run.
        loaded: `None` or what is to be put in place when training begins.
    """

    def __init__(
        self,
        kept: Checkpoint | None,
        callbacks: list[keras.callbacks.Callback],
        recorder: Recorder,
        run: Run,
        loaded: Loaded | None,
    ):
        super().__init__()
        self._kept = kept
        self._callbacks = callbacks
        self._recorder = recorder
        self._run = run
        self._loaded = loaded

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._loaded is not None:
            self._loaded.put_attributes(self._callbacks)
            self._loaded.put_variables(self.model)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._kept is None:
            return
        seen = ("batches", "first loss")
        made_of = self._run.made_of
        recorded = {
            "recorder": self._recorder.state,
            "seen": {name: made_of[name] for name in seen if name in made_of},
            "time": time.time(),
        }
        self._kept.save(self.model, self._callbacks, recorded)
