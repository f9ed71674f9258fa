"""The batches of a configuration, and the network for them."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

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
from fruits.pipeline import evaluation_batches, kept_pictures, training_batches
from fruits.prepared import KeptBuilder, prepare
from fruits.rendered import RenderedFruits


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
        self._photos = builder if isinstance(builder, PhotoTree) else None
        self.classes: list[str] = builder.classes
        self.counts = {name: split.num_examples for name, split in splits.items()}
        self.steps_per_epoch = max(1, self.counts["train"] // config.data.batch_size)
        # Name, options, and of photos the names, sizes and times of all files.
        self.fingerprint: str = builder.info.full_name
        self.left_out = self._photos.left_out if self._photos else []
        self._splits = _relabelled(builder, self.classes)
        self._how = Augmentation(**config.augmentation.model_dump())
        self._kept = kept_pictures(
            self._splits["train"],
            classes=len(self.classes),
            image_size=config.data.image_size,
            how=self._how,
        )
        self._class_weights = None
        if config.training.class_weight == "balanced":
            self._class_weights = balanced(np.sum(self._kept.labels, axis=0))

    def report(self) -> None:
        """Prints what was found in the folder of the photos, and what is left out."""
        if self._photos:
            print_found(self._photos.counts, self.left_out, self._photos.notes)

    def write_left_out(self, folder: Path) -> None:
        """Writes all that is left out to `left_out.csv`, if anything is."""
        write_left_out(self.left_out, folder)

    def training(self, seed: int, first: int = 0) -> tf.data.Dataset:
        """Endless batches for training, from one on; all follow from the seed.

        With `training.class_weight` there are weights beside pictures and labels.
        """
        return training_batches(
            self._kept,
            image_size=self._config.data.image_size,
            batch_size=self._config.data.batch_size,
            how=self._how,
            seed=seed,
            first=first,
            class_weights=self._class_weights,
        )

    def evaluation(self) -> dict[str, tf.data.Dataset]:
        """Batches of the validation split and, if there is one, the test split."""
        return {
            split: evaluation_batches(
                self._splits[split],
                classes=len(self.classes),
                image_size=self._config.data.image_size,
                batch_size=self._config.data.batch_size,
            )
            for split in ("validation", "test")
            if split in self._splits
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


def _relabelled(builder: KeptBuilder, classes: list[str]) -> dict[str, tf.data.Dataset]:
    """The pictures of each split, without the labels that none of them has."""
    splits = builder.as_dataset(as_supervised=True)
    names: list[str] = builder.info.features["label"].names
    if names == classes:
        return splits
    places = {name: place for place, name in enumerate(classes)}
    labels = tf.constant([places.get(name, -1) for name in names], tf.int64)
    return {
        split: pictures.map(lambda picture, label: (picture, labels[label]))
        for split, pictures in splits.items()
    }


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
