"""How every run of a comparison trains, and what is recorded of it."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison import _tensorboard
from keras_momentum.comparison._batches import (
    ShuffledArrays,
    digest_of_batches,
    training_batches,
)
from keras_momentum.comparison._candidates import Candidate
from keras_momentum.comparison._optimizers import (
    as_written,
    gamma_of,
    learning_rate_of,
    updates_after,
)
from keras_momentum.comparison._runs import Run, RunFolder, check_metric
from keras_momentum.comparison._starting_point import Runner
from keras_momentum.comparison._state import BeginAnew, ModelState


@dataclasses.dataclass(frozen=True)
class Training:
    """How every run trains; the attributes are arguments of `compare`."""

    train_data: Any
    validation_data: Any
    epochs: int
    batch_size: int
    log_dir: Path
    metric: str | None
    fit_arguments: Mapping[str, Any]

    def made_of(self, seed: int) -> dict[str, Any]:
        """What all runs depend on, by name.

        Args:
            seed: The seed whose batches are looked at.
        """
        return {
            "backend": keras.backend.backend(),
            "epochs": self.epochs,
            "batches": digest_of_batches(self.train_data, self.batch_size, seed),
            "fit": {name: repr(value) for name, value in self.fit_arguments.items()},
        }

    def finished(self, name: str, seed: int, made_of: dict[str, Any]) -> Run | None:
        """A run that was finished before, if there is one.

        Raises:
            ValueError: If it was made of something else.
        """
        folder = self._folder(name, seed)
        if folder.is_of_others:
            raise ValueError(
                "Argument `log_dir` must be a folder without files of others under "
                f"the same names. Received: {folder.path}, which is not a run of "
                "compare"
            )
        if not folder.is_finished:
            return None
        run = folder.read()
        for part, value in made_of.items():
            if run.made_of.get(part) != value:
                raise ValueError(
                    f"Argument `log_dir` has a finished run with another {part} than "
                    "now; choose another folder, or another name, or delete that run. "
                    f"Received: {folder.path}"
                )
        return run

    def run(
        self,
        candidate: Candidate,
        runner: Runner,
        run: Run,
        on_epoch: Callable[[Run, dict[str, float]], None],
    ) -> Run:
        """Trains.

        Args:
            candidate: The optimizer.
            runner: Its model, with the weights of the seed.
            run: The run, which has not begun.
            on_epoch: Is called with the run and the logs of each epoch.

        Returns:
            The finished run.
        """
        folder = self._folder(run.name, run.seed)
        folder.begin()
        recorder = Recorder(lambda logs: on_epoch(run, logs), self.metric)
        batches = training_batches(self.train_data, self.batch_size, run.seed)
        runner.model.fit(
            batches,
            epochs=self.epochs,
            validation_data=self.validation_data,
            callbacks=[
                # With the random numbers that the batches begin with.
                BeginAnew(ModelState(runner.model)),
                *candidate._new_callbacks(),
                recorder,
                keras.callbacks.TensorBoard(folder.path, write_graph=False),
            ],
            verbose=0,
            **self._fit_arguments(batches),
        )
        first_step = recorder.first_step_seconds if runner.compiles else None
        runner.compiles = False
        run = dataclasses.replace(
            run,
            history=recorder.history,
            steps=recorder.steps,
            seconds=recorder.seconds,
            first_step_seconds=first_step,
            hyperparameters=_after(run.hyperparameters, recorder.history),
        )
        _tensorboard.write_hyperparameters(folder.path, run)
        folder.end(run)
        return run

    def _folder(self, name: str, seed: int) -> RunFolder:
        return RunFolder(self.log_dir / name / f"seed-{seed}")

    def _fit_arguments(self, batches: Any) -> dict[str, Any]:
        endless = isinstance(batches, ShuffledArrays)
        own: dict[str, Any] = {
            # Of the rest `fit` says that it does not shuffle them.
            "shuffle": isinstance(batches, keras.utils.PyDataset) and not endless
        }
        if endless:
            own["steps_per_epoch"] = batches.batches_per_pass
        return {**own, **self.fit_arguments}


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
        logs.setdefault("learning_rate", learning_rate_of(optimizer))
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


def _after(
    hyperparameters: dict[str, Any], history: dict[str, list[float]]
) -> dict[str, Any]:
    """With the gamma that training ended with, and the highest learning rate."""
    rates = [*history["learning_rate"], hyperparameters["learning_rate"]]
    moved = {"gamma": history["gamma"][-1], "learning_rate": max(rates)}
    return {**hyperparameters, **{name: as_written(x) for name, x in moved.items()}}
