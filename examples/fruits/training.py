"""A training run, from a configuration to the files of its results."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import DataError
from fruits.optimizers import callbacks_of, optimizer_of
from fruits.pipeline import DataWait
from keras_momentum.comparison import gamma_of


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run leaves behind.

    Attributes:
        folder: Where its files are.
        model: The model with the best weights.
        classes: The names of the classes.
        counts: The number of pictures in each split.
        left_out: Files that are no pictures, and why.
        history: The logs of each epoch, by name.
        seconds: The duration of `fit`.
        scores: The accuracy of the best weights on the validation and, if there is
            one, the test split.
        shown: The split whose pictures are shown, and its batches.
    """

    folder: Path
    model: keras.Model
    classes: list[str]
    counts: dict[str, int]
    left_out: list[tuple[str, str]]
    history: dict[str, list[float]]
    seconds: float
    scores: dict[str, float]
    shown: tuple[str, tf.data.Dataset]


def train(name: str, config: Config, data: FruitData) -> Run:
    """Trains a classifier with `model.fit`.

    Args:
        name: The name of the run, the first part of its folder's.
        config: The configuration.
        data: Its pictures.
    """
    training = config.training
    keras.utils.set_random_seed(training.seed)
    keras.config.set_dtype_policy(training.precision)
    folder = Path(training.runs_dir) / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    data.write_left_out(folder)
    evaluated = data.evaluation()
    model = data.compiled_model(optimizer_of(config, data.steps_per_epoch))
    wait = DataWait()
    # Callbacks add to the logs in their order: TensorBoard must see all of it.
    callbacks = [
        *callbacks_of(config),
        _Monitor(wait),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ModelCheckpoint(
            folder / "best.keras", monitor="val_accuracy", save_best_only=True
        ),
        keras.callbacks.CSVLogger(folder / "history.csv"),
        keras.callbacks.TensorBoard(folder, write_graph=False),
    ]
    print(
        f"{len(data.classes)} classes, {data.counts}; {_device(model)}, "
        f"{training.precision}, XLA-compiled step: {model.jit_compile}"
    )
    history: dict[str, list[float]] = {}
    callbacks.insert(3, keras.callbacks.LambdaCallback(on_epoch_end=_keep_in(history)))
    begin = time.perf_counter()
    try:
        model.fit(
            wait.measured(data.training(training.seed)),
            epochs=training.epochs,
            steps_per_epoch=data.steps_per_epoch,
            validation_data=evaluated["validation"],
            callbacks=callbacks,
            verbose=2,
        )
    except KeyboardInterrupt:
        print("Interrupted; what follows is of the epochs until here.")
    seconds = time.perf_counter() - begin
    if not (folder / "best.keras").exists():
        raise DataError(f"the run ended before its first epoch did; see {folder}")
    model = keras.saving.load_model(folder / "best.keras")
    scores = {
        split: model.evaluate(batches, verbose=0, return_dict=True)["accuracy"]
        for split, batches in evaluated.items()
    }
    return Run(
        folder=folder,
        model=model,
        classes=data.classes,
        counts=data.counts,
        left_out=data.left_out,
        history=history,
        seconds=seconds,
        scores=scores,
        shown=list(evaluated.items())[-1],
    )


def _device(model: keras.Model) -> str:
    where = str(model.weights[0].value.device).rpartition("/")[-1]
    return f"Keras on {keras.backend.backend()} with {where}"


def _keep_in(history: dict[str, list[float]]) -> Any:
    def keep(epoch: int, logs: dict[str, Any]) -> None:
        for key, value in logs.items():
            history.setdefault(key, []).append(float(value))

    return keep


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
