"""A training run, from a configuration to the files of its results."""

import dataclasses
import functools
import importlib.metadata
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fruits import entry
from fruits.checkpoint import Checkpoint
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import RefusedError, Terminated
from fruits.interruption import Interruption
from fruits.keeping import GoOn, Keeper
from fruits.optimizers import callbacks_of, optimizer_of
from fruits.pipeline import DataWait
from fruits.records import Records
from fruits.run_folder import RunFolder, open_folder
from fruits.saved_model import is_whole, save_model
from keras_momentum.comparison import gamma_of

_BEST = "best.keras"
FINISHED, INTERRUPTED, DIVERGED = "finished", "interrupted", "diverged"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run leaves behind.

    Attributes:
        folder: Where its files are.
        state: `FINISHED`, `INTERRUPTED` or `DIVERGED`.
        exit_code: That of the process: 0, 128 and the number of the signal, or 3.
        model: The model with the best weights; `None` if no epoch ended well.
        classes: The names of the classes.
        counts: The number of pictures in each split.
        left_out: Files that are no pictures, and why.
        history: The logs of each epoch, by name.
        best_epoch: The number of the epoch with the best weights, from 1.
        scores: The accuracy of the best weights on the validation and, if there is
            one, the test split.
        shown: The split whose pictures are shown, and its batches.
    """

    folder: RunFolder
    state: str
    exit_code: int
    model: keras.Model | None
    classes: list[str]
    counts: dict[str, int]
    left_out: list[tuple[str, str]]
    history: dict[str, list[float]]
    best_epoch: int | None
    scores: dict[str, float]
    shown: tuple[str, tf.data.Dataset]

    def close(self) -> None:
        """Notes that nothing is left to be done, but for a run that was interrupted."""
        if self.state != INTERRUPTED:
            self.folder.end(self.state)
        self.folder.release()


def train(
    name: str, config: Config, data: FruitData, chosen: Path | None = None
) -> Run:
    """Trains a classifier with `model.fit`, or goes on where that was interrupted.

    On TensorFlow and JAX a run that goes on ends as it would have ended, bit for bit.

    Args:
        name: The name of the run, the first part of its folder's.
        config: The configuration.
        data: Its pictures.
        chosen: The folder of the run; `None` for one in `training.runs_dir`.

    Raises:
        RefusedError: If its folder can't be used, or no longer has the best model.
        KeyboardInterrupt: If it was interrupted and is saved: as `Terminated` by
            SIGTERM, or before an epoch has ended.
    """
    training = config.training
    keras.utils.set_random_seed(training.seed)
    keras.config.set_dtype_policy(training.precision)
    evaluated = data.evaluation()
    model = data.compiled_model(optimizer_of(config, data.steps_per_epoch))
    model.optimizer.build(model.trainable_variables)
    folder = open_folder(
        name,
        Path(training.runs_dir),
        chosen,
        _made_of(name, config, data),
    )
    data.write_left_out(folder.path)
    resumed = folder.load()
    records = Records(folder.path, resumed.records if resumed else [])
    best_file = folder.path / _BEST
    if records.best_epoch is not None and not is_whole(best_file):
        raise RefusedError(
            f"{best_file} is missing or damaged, and the interrupted run needs it: put "
            f"it back, or delete {folder.path} to begin anew"
        )
    print(
        f"{len(data.classes)} classes, {data.counts}; {_device(model)}, "
        f"{training.precision}, XLA-compiled step: {model.jit_compile}"
    )
    if resumed:
        print(
            f"Goes on with {folder.path} after {resumed.epoch} epochs and "
            f"{resumed.batch} batches; delete it to begin anew."
        )
    state, exit_code = FINISHED, 0
    done = resumed.epoch if resumed else 0
    if done < training.epochs and not records.is_broken_off:
        try:
            _fit(config, data, model, folder, records, resumed)
        except KeyboardInterrupt as error:
            records.close()
            print(f"Saved in {folder.path}; the same command goes on.", flush=True)
            if isinstance(error, Terminated) or records.best_epoch is None:
                raise
            state, exit_code = INTERRUPTED, entry.INTERRUPTED
    records.close()
    if state == FINISHED and records.has_diverged:
        state, exit_code = DIVERGED, entry.DIVERGED
    best, scores = None, {}
    if records.best_epoch is not None:
        best = keras.saving.load_model(best_file)
        scores = {
            split: best.evaluate(batches, verbose=0, return_dict=True)["accuracy"]
            for split, batches in evaluated.items()
        }
    return Run(
        folder=folder,
        state=state,
        exit_code=exit_code,
        model=best,
        classes=data.classes,
        counts=data.counts,
        left_out=data.left_out,
        history=records.history,
        best_epoch=records.best_epoch,
        scores=scores,
        shown=list(evaluated.items())[-1],
    )


def _fit(
    config: Config,
    data: FruitData,
    model: keras.Model,
    folder: RunFolder,
    records: Records,
    resumed: Checkpoint | None,
) -> None:
    """Trains until the end, or until it is interrupted."""
    epoch = resumed.epoch if resumed else 0
    first = epoch * data.steps_per_epoch
    if resumed and keras.backend.backend() != "torch":
        # On PyTorch `fit` also takes the batches that are passed by.
        first += resumed.batch
    with Interruption() as interruption:
        wait = DataWait()
        model.fit(
            wait.measured(data.training(config.training.seed, first)),
            epochs=config.training.epochs,
            initial_epoch=epoch,
            steps_per_epoch=data.steps_per_epoch,
            validation_data=data.evaluation()["validation"],
            # Callbacks add to the logs in their order.
            callbacks=[
                *([GoOn(resumed)] if resumed else []),
                *callbacks_of(config),
                _Monitor(wait),
                keras.callbacks.TerminateOnNaN(),
                Keeper(
                    folder.save,
                    functools.partial(
                        save_model, classes=data.classes, file=folder.path / _BEST
                    ),
                    records,
                    interruption,
                    resumed,
                ),
            ],
            # The batches have their order.
            shuffle=False,
            verbose=2,
        )


def _made_of(name: str, config: Config, data: FruitData) -> dict[str, Any]:
    """All that a run follows from."""
    places = {"data": {"cache_dir"}, "training": {"runs_dir"}}
    backend = keras.backend.backend()
    return {
        "name": name,
        "configuration": config.model_dump(exclude=places),
        "data": data.fingerprint,
        "backend": backend,
        "versions": {
            package: importlib.metadata.version(package)
            for package in ("keras", "keras-momentum", "numpy", backend)
        },
    }


def _device(model: keras.Model) -> str:
    where = str(model.weights[0].value.device).rpartition("/")[-1]
    without = " (no GPU was found)" if "cpu" in where.lower() else ""
    return f"Keras on {keras.backend.backend()} with {where}{without}"


class _Monitor(keras.callbacks.Callback):
    """Adds gamma, the learning rate and the share of time without data to the logs."""

    def __init__(self, wait: DataWait):
        super().__init__()
        self.wait = wait

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.begin = time.perf_counter()
        self.waited = self.wait.seconds

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        optimizer = self.model.optimizer
        logs["gamma"] = gamma_of(optimizer)
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(optimizer.learning_rate)
        )
        elapsed = time.perf_counter() - self.begin
        logs["data_wait"] = (self.wait.seconds - self.waited) / elapsed
