"""The batches of a configuration, and the network for them."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from fruits.augmentation import Augmentation
from fruits.class_weights import balanced
from fruits.config import Config
from fruits.data_report import print_found, write_left_out
from fruits.devices import share_gpu
from fruits.errors import DataError
from fruits.folder import FolderPictures
from fruits.grocery import GroceryFruits
from fruits.models import classifier
from fruits.photos import PhotoTree
from fruits.pipeline import evaluation_batches, kept_side, training_batches
from fruits.prepared import KeptBuilder, prepare
from fruits.rendered import RenderedFruits
from fruits.squares import Decode, Squares
from fruits.stored import StoredExamples

_READ_AT_ONCE = 10_000


class FruitData:
    """The pictures that a configuration asks for, prepared.

    Args:
        config: The configuration.

    Attributes:
        classes: The names of the classes.
        counts: The number of pictures in each split.
        steps_per_epoch: The number of batches in a pass through those for training.
        fingerprint: Of what the pictures follow from.
        left_out: What is not trained on, by name, and why.

    Raises:
        DataError: If they can't be had.
    """

    def __init__(self, config: Config):
        share_gpu()
        self._config = config
        builder = _builder_of(config)
        prepare(builder)
        splits = builder.info.splits
        # What is to be said of photos, and not the builder, which may know a million.
        self._found = (
            (builder.counts, builder.left_out, builder.notes)
            if isinstance(builder, PhotoTree)
            else None
        )
        self.classes: list[str] = builder.classes
        self.counts = {name: split.num_examples for name, split in splits.items()}
        self.steps_per_epoch = max(1, self.counts["train"] // config.data.batch_size)
        # Name, options, and of photos the names, sizes and times of all files.
        self.fingerprint: str = builder.info.full_name
        self.left_out = self._found[1] if self._found else []
        self._how = Augmentation(**config.augmentation.model_dump())
        self._squares = {
            split: self._squares_of(builder, split) for split in self.counts
        }
        self._class_weights = None
        if config.training.class_weight == "balanced":
            self._class_weights = balanced(_counts_by_class(builder, "train"))

    def _squares_of(self, builder: KeptBuilder, split: str) -> Squares:
        data = self._config.data
        of_training = kept_side(data.image_size, self._how)
        return Squares(
            StoredExamples(builder.info.splits[split].filepaths, self.counts[split]),
            _decode(builder),
            classes=len(self.classes),
            side=of_training if split == "train" else data.image_size,
            folder=data.cache_dir,
        )

    def report(self) -> None:
        """Prints what was found in the folder of the photos, and what is left out."""
        if self._found:
            print_found(*self._found)

    def write_left_out(self, folder: Path) -> None:
        """Writes all that is left out to `left_out.csv`, if anything is."""
        write_left_out(self.left_out, folder)

    def training(self, seed: int, first: int = 0) -> tf.data.Dataset:
        """Endless batches for training, from one on; all follow from the seed.

        With `training.class_weight` there are weights beside pictures and labels.
        """
        return training_batches(
            self._squares["train"],
            image_size=self._config.data.image_size,
            batch_size=self._config.data.batch_size,
            how=self._how,
            seed=seed,
            first=first,
            class_weights=self._class_weights,
        )

    def evaluation(self) -> dict[str, tf.data.Dataset]:
        """Batches of the validation split and, if there is one, the test split."""
        batch_size = self._config.data.batch_size
        return {
            split: evaluation_batches(self._squares[split], batch_size)
            for split in ("validation", "test")
            if split in self._squares
        }

    def compiled_model(self, optimizer: keras.optimizers.Optimizer) -> keras.Model:
        """The network, compiled."""
        model = classifier(
            self._config.model, self._config.data.image_size, len(self.classes)
        )
        smoothing = self._config.training.label_smoothing
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=smoothing
        )
        model.compile(optimizer, loss, metrics=["accuracy"])
        return model


def _decode(builder: KeptBuilder) -> Decode:
    """Makes pictures and labels of examples."""
    labels = tf.constant(_labels(builder), tf.int32)
    features = builder.info.features

    def decode(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = features.deserialize_example(example)
        return found["image"], labels[found["label"]]

    return decode


def _labels(builder: KeptBuilder) -> list[int]:
    """By stored label, without those that no picture to train on has."""
    places = {name: place for place, name in enumerate(builder.classes)}
    return [places.get(name, -1) for name in builder.info.features["label"].names]


def _counts_by_class(builder: KeptBuilder, split: str) -> np.ndarray:
    undecoded = builder.as_dataset(
        split=split, decoders={"image": tfds.decode.SkipDecoding()}
    )
    stored = undecoded.map(lambda example: example["label"]).batch(_READ_AT_ONCE)
    counts = np.zeros(len(builder.classes), np.int64)
    for labels in stored.as_numpy_iterator():
        np.add.at(counts, np.array(_labels(builder))[labels], 1)
    return counts


def _builder_of(config: Config) -> KeptBuilder:
    data = config.data
    if data.source == "rendered":
        return RenderedFruits(
            data.image_size,
            data.train_images,
            data.validation_images,
            data.test_images,
            data.seed,
            data.cache_dir,
        )
    if not data.path:
        raise DataError(
            f'data.path: it must name a folder for data.source = "{data.source}"'
        )
    kind = GroceryFruits if data.source == "grocery" else FolderPictures
    return kind(
        data.path,
        data.cache_dir,
        validation_share=data.validation_share,
        seed=data.seed,
        split_folders=data.split_folders.model_dump(),
        max_megapixels=data.max_megapixels,
        runs_dir=config.training.runs_dir,
    )
