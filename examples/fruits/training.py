"""A training run, from a configuration to the files of its results."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

import keras_momentum
from fruits.augmentation import Augmentation
from fruits.config import Config, Data
from fruits.folder import FolderPictures
from fruits.grocery import GroceryFruits
from fruits.models import residual_network
from fruits.photos import DataError
from fruits.pipeline import DataWait, evaluation_batches, training_batches
from fruits.rendered import RenderedFruits


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


def builder_of(data: Data) -> tfds.core.DatasetBuilder:
    """The data set that a configuration asks for; raises `DataError` if it can't be."""
    if data.source == "rendered":
        return RenderedFruits(
            data.image_size,
            data.train_images,
            data.validation_images,
            data.test_images,
            data.seed,
            data.cache_dir,
        )
    if data.path is None:
        raise DataError(
            f'data.path must name a folder for data.source = "{data.source}"'
        )
    if data.source == "grocery":
        return GroceryFruits(data.path, data.cache_dir)
    return FolderPictures(
        data.path,
        data.cache_dir,
        validation_share=data.validation_share,
        seed=data.seed,
    )


def train(name: str, config: Config, builder: tfds.core.DatasetBuilder) -> Run:
    """Trains a classifier with `model.fit`.

    Args:
        name: The name of the run, the first part of its folder's.
        config: The configuration.
        builder: A data set, prepared.
    """
    training = config.training
    # TensorFlow feeds every backend; on the others it must leave the GPU to them.
    if keras.backend.backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    keras.utils.set_random_seed(training.seed)
    keras.config.set_dtype_policy(training.precision)
    folder = Path(training.runs_dir) / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)

    splits = builder.as_dataset(as_supervised=True)
    counts = {split: info.num_examples for split, info in builder.info.splits.items()}
    classes = builder.info.features["label"].names
    batches = training_batches(
        splits["train"],
        classes=len(classes),
        image_size=config.data.image_size,
        batch_size=config.data.batch_size,
        how=Augmentation(**config.augmentation.model_dump()),
        seed=training.seed,
    )
    evaluated = {
        split: evaluation_batches(
            splits[split],
            classes=len(classes),
            image_size=config.data.image_size,
            batch_size=config.data.batch_size,
        )
        for split in ("validation", "test")
        if split in splits
    }
    steps = max(1, counts["train"] // config.data.batch_size)
    model = _compiled_model(config, len(classes), steps)
    wait = DataWait()
    # Callbacks add to the logs in their order: TensorBoard must see all of it.
    callbacks = [
        *_gamma_ramp(config),
        _Monitor(wait),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ModelCheckpoint(
            folder / "best.keras", monitor="val_accuracy", save_best_only=True
        ),
        keras.callbacks.CSVLogger(folder / "history.csv"),
        keras.callbacks.TensorBoard(folder, write_graph=False),
    ]
    print(
        f"{len(classes)} classes, {counts}; {_device(model)}, {training.precision}, "
        f"XLA-compiled step: {model.jit_compile}"
    )
    history: dict[str, list[float]] = {}
    callbacks.insert(3, keras.callbacks.LambdaCallback(on_epoch_end=_keep_in(history)))
    begin = time.perf_counter()
    try:
        model.fit(
            wait.measured(batches),
            epochs=training.epochs,
            steps_per_epoch=steps,
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
        split: model.evaluate(data, verbose=0, return_dict=True)["accuracy"]
        for split, data in evaluated.items()
    }
    return Run(
        folder=folder,
        model=model,
        classes=classes,
        counts=counts,
        left_out=getattr(builder, "left_out", []),
        history=history,
        seconds=seconds,
        scores=scores,
        shown=list(evaluated.items())[-1],
    )


def _compiled_model(config: Config, classes: int, steps: int) -> keras.Model:
    model = residual_network(
        config.data.image_size, classes, **config.model.model_dump()
    )
    settings = config.optimizer
    warmup = round(settings.warmup_epochs * steps)
    learning_rate = keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10 if warmup else settings.learning_rate,
        decay_steps=max(1, config.training.epochs * steps - warmup),
        warmup_target=settings.learning_rate if warmup else None,
        warmup_steps=warmup,
    )
    model.compile(
        keras_momentum.Momentum(
            learning_rate,
            momentum=settings.momentum,
            restart_every=settings.restart_every,
            weight_decay=settings.weight_decay or None,
        ),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.training.label_smoothing
        ),
        metrics=["accuracy"],
    )
    return model


def _gamma_ramp(config: Config) -> list[keras.callbacks.Callback]:
    if config.gamma_ramp is None:
        return []
    return [keras_momentum.callbacks.GammaRamp(**config.gamma_ramp.model_dump())]


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
        optimizer = keras_momentum.callbacks.momentum_optimizers(self.model)[0]
        logs["gamma"] = float(keras.ops.convert_to_numpy(optimizer.gamma))
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(optimizer.learning_rate)
        )
        elapsed = time.perf_counter() - self.begin
        logs["data_wait"] = (self.wait.seconds - self.waited) / elapsed
