"""A training run, from a configuration to the files of its results."""

import importlib.metadata
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from fruits import entry
from fruits.checkpoint import Checkpoint
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import RefusedError, Terminated
from fruits.interruption import Interruption
from fruits.keeping import GoOn, Keeper
from fruits.monitor import Monitor
from fruits.opening import open_folder
from fruits.optimizers import callbacks_of, optimizer_of
from fruits.pipeline import DataWait
from fruits.records import Records
from fruits.replicas import Alone, Workers
from fruits.run import DIVERGED, FINISHED, INTERRUPTED, Run
from fruits.run_folder import BEST, RunFolder
from fruits.saved_model import is_whole, save_model

_ALONE = Alone()


def train(
    name: str,
    config: Config,
    data: FruitData,
    chosen: Path | None = None,
    workers: Workers = _ALONE,
) -> Run | None:
    """Trains a classifier with `model.fit`, or goes on where that was interrupted.

    On TensorFlow and JAX a run that goes on ends as it would have ended, bit for bit.

    Args:
        name: The name of the run, the first part of its folder's.
        config: The configuration.
        data: Its pictures.
        chosen: The folder of the run; `None` for one in `training.runs_dir`.
        workers: Who trains; each of their processes calls this.

    Returns:
        What it leaves behind; `None` in processes other than the chief.

    Raises:
        RefusedError: If its folder can't be used or no longer has the best model, or
            workers would train different things.
        KeyboardInterrupt: If it was interrupted and is saved: as `Terminated` by
            SIGTERM, or before an epoch has ended.
    """
    training = config.training
    keras.utils.set_random_seed(training.seed)
    keras.config.set_dtype_policy(training.precision)
    made_of = _made_of(name, config, data, workers)
    workers.check_same(made_of)
    with workers.scope():
        optimizer = optimizer_of(config, data.steps_per_epoch)
        model = workers.prepared(data.compiled_model(optimizer))
        model.optimizer.build(model.trainable_variables)
    if not workers.is_chief:
        _follow(config, data, model, workers)
        return None
    with workers.telling_refusals():
        folder = open_folder(name, Path(training.runs_dir), chosen, made_of)
        resumed, records = _what_is_there(folder)
    data.write_left_out(folder.path)
    device = _device(model, workers)
    print(
        f"{len(data.classes)} classes, {data.counts}; {device}, "
        f"{training.precision}, XLA-compiled step: {model.jit_compile}"
    )
    if resumed:
        print(
            f"Goes on with {folder.path} after {resumed.epoch} epochs and "
            f"{resumed.batch} batches; delete it to begin anew."
        )
    state, exit_code = FINISHED, 0
    done = resumed.epoch if resumed else 0
    is_left = done < training.epochs and not records.is_broken_off
    workers.from_chief((resumed, is_left))
    if is_left:
        try:
            with folder.that_goes_on():
                _fit(config, data, model, workers, resumed, records, folder.save)
        except KeyboardInterrupt as error:
            records.close()
            if isinstance(error, Terminated) or records.best_epoch is None:
                raise
            state, exit_code = INTERRUPTED, entry.INTERRUPTED
    records.close()
    if state == FINISHED and records.has_diverged:
        state, exit_code = DIVERGED, entry.DIVERGED
    evaluated = data.evaluation()
    best, scores = None, {}
    if records.best_epoch is not None:
        with folder.that_goes_on():
            best = keras.saving.load_model(folder.path / BEST)
            scores = {
                split: best.evaluate(batches, verbose=0, return_dict=True)["accuracy"]
                for split, batches in evaluated.items()
            }
    return Run(
        folder=folder,
        state=state,
        exit_code=exit_code,
        device=device,
        model=best,
        classes=data.classes,
        counts=data.counts,
        left_out=data.left_out,
        history=records.history,
        best_epoch=records.best_epoch,
        scores=scores,
        shown=list(evaluated.items())[-1],
    )


def _what_is_there(folder: RunFolder) -> tuple[Checkpoint | None, Records]:
    """Where a run goes on, and what it has recorded.

    Raises:
        RefusedError: If it no longer has the best model.
    """
    resumed = folder.load()
    records = Records(folder.path, resumed.records if resumed else [])
    best_file = folder.path / BEST
    if records.best_epoch is not None and not is_whole(best_file):
        raise RefusedError(
            f"{best_file} is missing or damaged, and the interrupted run needs it: put "
            f"it back, or delete {folder.path} to begin anew"
        )
    return resumed, records


def _follow(
    config: Config, data: FruitData, model: keras.Model, workers: Workers
) -> None:
    """Does all that the chief does, as most of it needs all, and keeps nothing."""
    resumed, is_left = workers.from_chief(None)
    with tempfile.TemporaryDirectory() as passing:
        records = Records(Path(passing), resumed.records if resumed else [])
        try:
            if is_left:
                _fit(config, data, model, workers, resumed, records, _forget)
        finally:
            records.close()


def _forget(checkpoint: Checkpoint) -> None:
    """Leaves it to the chief to save."""


def _fit(
    config: Config,
    data: FruitData,
    model: keras.Model,
    workers: Workers,
    resumed: Checkpoint | None,
    records: Records,
    save: Callable[[Checkpoint], None],
) -> None:
    """Trains until the end, or until it is interrupted."""
    training = config.training
    epoch = resumed.epoch if resumed else 0
    first = epoch * data.steps_per_epoch
    if resumed and keras.backend.backend() != "torch":
        # On PyTorch `fit` also takes the batches that are passed by.
        first += resumed.batch
    validation = workers.evaluated(
        data.evaluation()["validation"],
        data.counts["validation"],
        config.data.batch_size,
    )

    def save_best(model: keras.Model) -> None:
        with workers.as_alone(model):
            save_model(model, data.classes, records.folder / BEST)

    with workers.scope(), Interruption(workers.highest) as interruption:
        wait = DataWait()
        batches = wait.measured(data.training(training.seed, first))
        workers.fit(
            model,
            workers.shared(batches),
            epochs=training.epochs,
            initial_epoch=epoch,
            steps_per_epoch=data.steps_per_epoch,
            validation_data=validation,
            # Callbacks add to the logs in their order.
            callbacks=[
                *([GoOn(resumed)] if resumed else []),
                *callbacks_of(config),
                Monitor(wait, config.data.batch_size),
                keras.callbacks.TerminateOnNaN(),
                Keeper(save, save_best, records, interruption, resumed),
            ],
            # The batches have their order.
            shuffle=False,
            verbose=2 if workers.is_chief else 0,
        )


def _made_of(
    name: str, config: Config, data: FruitData, workers: Workers
) -> dict[str, Any]:
    """All that a run follows from."""
    places = {"data": {"cache_dir"}, "training": {"runs_dir"}}
    backend = keras.backend.backend()
    return {
        "name": name,
        "configuration": config.model_dump(exclude=places),
        "data": data.fingerprint,
        "backend": backend,
        "replicas": workers.replicas,
        "versions": {
            package: importlib.metadata.version(package)
            for package in ("keras", "keras-momentum", "numpy", backend)
        },
    }


def _device(model: keras.Model, workers: Workers) -> str:
    where = str(model.weights[0].value.device).rpartition("/")[-1]
    without = " (no GPU was found)" if "cpu" in where.lower() else ""
    if workers.replicas > 1:
        where = f"{workers.replicas} devices of {workers.processes} processes"
    return f"Keras on {keras.backend.backend()} with {where}{without}"
