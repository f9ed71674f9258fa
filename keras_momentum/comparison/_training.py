"""How every run of a comparison trains."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_momentum.comparison import _tensorboard
from keras_momentum.comparison._batches import Batches, TrainingData
from keras_momentum.comparison._candidates import Candidate
from keras_momentum.comparison._checkpoint import Checkpoint, can_go_on
from keras_momentum.comparison._identity import identity_or_unknown, versions
from keras_momentum.comparison._keeping import Before, Keeper
from keras_momentum.comparison._optimizers import as_written
from keras_momentum.comparison._recording import Between, Recorder
from keras_momentum.comparison._run_folder import RunFolder
from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._same import Same, Watch
from keras_momentum.comparison._starting_point import Runner
from keras_momentum.comparison._state import BeginAnew, ModelState
from keras_momentum.comparison._validation import ValidationData


@dataclasses.dataclass(frozen=True)
class Training:
    """How every run trains; most attributes are arguments of `compare`."""

    data: TrainingData
    validation: ValidationData
    epochs: int
    log_dir: Path
    metric: str
    validate_every: int | None
    fit_arguments: Mapping[str, Any]
    same: Same = dataclasses.field(default_factory=Same)

    def made_of(self, seed: int) -> dict[str, Any]:
        """What all runs of a seed depend on, but for model and optimizer, by name."""
        return {
            "backend": keras.backend.backend(),
            "versions": versions(),
            "epochs": self.epochs,
            **self.data.identity(seed),
            "validation data": self.validation.identity,
            "fit arguments": identity_or_unknown(
                (self.fit_arguments, self.validate_every)
            ),
        }

    def folder_of(self, run: Run) -> RunFolder:
        """The folder of a run."""
        return RunFolder(self.log_dir, run.name, run.seed)

    def finished(self, run: Run) -> Run | None:
        """A run that was finished before, if there is one.

        Raises:
            ValueError: If it was made of something else, or it is not known of what, or
                it is damaged.
        """
        folder = self.folder_of(run)
        folder.check()
        if not folder.is_finished:
            return None
        found = folder.read()
        for part, value in run.made_of.items():
            for each in (value, found.made_of.get(part)):
                if isinstance(each, dict) and "unknown" in each:
                    raise ValueError(
                        f"Argument `log_dir` has a finished run, and its {part} can't "
                        f"be compared by value with that of now ({each['unknown']}); "
                        "choose another folder, or another name, or delete that run. "
                        f"Received: {folder.path}"
                    )
            if found.made_of.get(part) != value:
                raise ValueError(
                    f"Argument `log_dir` has a finished run with another {part} than "
                    "now; choose another folder, or another name, or delete that run. "
                    f"Received: {folder.path}"
                )
        return found

    def run(
        self,
        candidate: Candidate,
        runner: Runner,
        run: Run,
        on_epoch: Callable[[Run, dict[str, float], int], None],
    ) -> Run:
        """Trains, or goes on where the run ended when it was killed.

        Args:
            candidate: The optimizer.
            runner: Its model, with the weights of the seed.
            run: The run, which has not begun.
            on_epoch: Is called with the run, and the logs and number of each epoch.

        Returns:
            The finished run.
        """
        folder = self.folder_of(run)
        folder.begin()
        made_of = dict(run.made_of)
        kept = Checkpoint(folder.checkpoint, made_of)
        callbacks = candidate._new_callbacks()
        goes_on = can_go_on(callbacks) and "unknown" not in str(made_of)
        loaded = kept.load() if goes_on else None
        run.made_of.update(loaded.recorded["seen"] if loaded else {"batches": []})
        if loaded is None:
            folder.forget()
        else:
            _tensorboard.keep_until(folder.path, loaded.recorded["time"])
        done = len(run.made_of["batches"])
        batches = self.data.open(run.seed, done)
        if loaded is not None and batches.stream is not None:
            self.same.epoch(run.name, run.seed, batches, done)
        recorder = Recorder(functools.partial(on_epoch, run), self.metric)
        if loaded is not None:
            recorder.go_on(loaded.recorded["recorder"])
        keeper = Keeper(kept if goes_on else None, callbacks, recorder, run, loaded)
        if not (loaded and loaded.stopped):
            self._fit(
                runner,
                batches,
                done,
                [
                    # With the random numbers that the batches begin with.
                    BeginAnew(ModelState(runner.model)),
                    Watch(self.same, run, batches, is_first=loaded is None),
                    *([Before(loaded)] if loaded else []),
                    *callbacks,
                    recorder,
                    *self._between(callbacks, recorder),
                    _tensorboard.Board(folder.path),
                    keeper,
                ],
            )
        run = dataclasses.replace(
            run,
            history=recorder.history,
            steps=recorder.steps,
            seconds=recorder.seconds,
            between=recorder.between,
            first_step_seconds=recorder.first_step_seconds if runner.compiles else None,
            hyperparameters=_after(run.hyperparameters, recorder.history),
        )
        runner.compiles = False
        # Once, if this was killed here before.
        folder.forget_summary()
        _tensorboard.write_hyperparameters(folder.path, run)
        folder.end(run)
        return run

    def _fit(
        self,
        runner: Runner,
        batches: Batches,
        done: int,
        callbacks: list[keras.callbacks.Callback],
    ) -> None:
        try:
            runner.model.fit(
                batches.fit,
                steps_per_epoch=batches.steps,
                epochs=self.epochs,
                initial_epoch=done,
                validation_data=self.validation.for_fit,
                callbacks=callbacks,
                shuffle=False,
                verbose=0,
                **self.fit_arguments,
            )
        except Exception:
            # TensorFlow hands another exception on than data have raised.
            if batches.stream is not None and batches.stream.error is not None:
                raise batches.stream.error from None
            raise
        finally:
            if batches.stream is not None:
                batches.stream.end()

    def _between(
        self, callbacks: list[keras.callbacks.Callback], recorder: Recorder
    ) -> list[keras.callbacks.Callback]:
        if self.validate_every is None:
            return []
        data = self.validation.for_fit
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        size = self.fit_arguments.get("validation_batch_size")
        arguments = {
            "x": x,
            "y": y,
            "sample_weight": weights,
            "batch_size": size,
            "steps": self.fit_arguments.get("validation_steps"),
        }
        return [Between(self.validate_every, arguments, callbacks, recorder)]


def _after(
    hyperparameters: dict[str, Any], history: Mapping[str, list[float | None]]
) -> dict[str, Any]:
    """With the gamma that training ended with, and the highest learning rate."""
    rates = [*history["learning_rate"], hyperparameters["learning_rate"]]
    moved = {
        "gamma": history["gamma"][-1],
        "learning_rate": max(rate for rate in rates if rate is not None),
    }
    return {**hyperparameters, **{name: as_written(x) for name, x in moved.items()}}
