"""How every run of a comparison trains, and where it is kept."""

import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_momentum.comparison import board
from keras_momentum.comparison.batches import (
    ShuffledArrays,
    digest_of_batches,
    training_batches,
)
from keras_momentum.comparison.candidate import Candidate, as_written
from keras_momentum.comparison.model_state import RandomState
from keras_momentum.comparison.recorder import Recorder
from keras_momentum.comparison.run import FILE, Run
from keras_momentum.comparison.starting_point import Runner

# Lies in the folder of a run that is not finished.
_UNFINISHED = "unfinished"


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

    def folder(self, name: str, seed: int) -> Path:
        """The folder of a run."""
        return self.log_dir / name / f"seed-{seed}"

    def finished(self, name: str, seed: int, made_of: dict[str, Any]) -> Run | None:
        """A run that was finished before, if there is one.

        Raises:
            ValueError: If it was made of something else.
        """
        folder = self.folder(name, seed)
        if not (folder / FILE).exists():
            if folder.exists() and not (folder / _UNFINISHED).exists():
                raise ValueError(
                    "Argument `log_dir` must be a folder without files of others under "
                    f"the same names. Received: {folder}, which is not a run of compare"
                )
            return None
        run = Run.load(folder)
        for part, value in made_of.items():
            if run.made_of.get(part) != value:
                raise ValueError(
                    f"Argument `log_dir` has a finished run with another {part} than "
                    "now; choose another folder, or another name, or delete that run. "
                    f"Received: {folder}"
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
        folder = self.folder(run.name, run.seed)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / _UNFINISHED).touch()
        recorder = Recorder(lambda logs: on_epoch(run, logs), self.metric)
        batches = training_batches(self.train_data, self.batch_size, run.seed)
        runner.first_callback.random = RandomState()
        runner.model.fit(
            batches,
            epochs=self.epochs,
            validation_data=self.validation_data,
            callbacks=[
                runner.first_callback,
                *candidate.new_callbacks(),
                recorder,
                keras.callbacks.TensorBoard(folder, write_graph=False),
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
        board.write_hyperparameters(folder, run)
        run.save(folder)
        (folder / _UNFINISHED).unlink()
        return run

    def _fit_arguments(self, batches: Any) -> dict[str, Any]:
        endless = isinstance(batches, ShuffledArrays)
        own: dict[str, Any] = {
            # Of the rest `fit` says that it does not shuffle them.
            "shuffle": isinstance(batches, keras.utils.PyDataset) and not endless
        }
        if endless:
            own["steps_per_epoch"] = batches.batches_per_pass
        return {**own, **self.fit_arguments}


def _after(
    hyperparameters: dict[str, Any], history: dict[str, list[float]]
) -> dict[str, Any]:
    """With the gamma that training ended with, and the highest learning rate."""
    rates = [*history["learning_rate"], hyperparameters["learning_rate"]]
    moved = {"gamma": history["gamma"][-1], "learning_rate": max(rates)}
    return {**hyperparameters, **{name: as_written(x) for name, x in moved.items()}}
