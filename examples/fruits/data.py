"""The batches of a configuration, and the network for them."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from fruits.augmentation import Augmentation
from fruits.class_weights import balanced
from fruits.config import Config, Data
from fruits.devices import leave_gpu_to_keras
from fruits.folder import FolderPictures
from fruits.grocery import GroceryFruits
from fruits.models import classifier
from fruits.photos import DataError, prepare
from fruits.pipeline import evaluation_batches, kept_pictures, training_batches
from fruits.rendered import RenderedFruits


class FruitData:
    """The pictures that a configuration asks for, prepared.

    Args:
        config: The configuration.

    Attributes:
        classes: The names of the classes.
        counts: The number of pictures in each split.
        steps_per_epoch: The number of batches in a pass through those for training.
        left_out: Files that are no pictures, and why.

    Raises:
        DataError: If they can't be had.
    """

    def __init__(self, config: Config):
        leave_gpu_to_keras()
        self._config = config
        builder = _builder_of(config.data)
        prepare(builder)
        info = builder.info
        self.classes: list[str] = info.features["label"].names
        self.counts = {name: split.num_examples for name, split in info.splits.items()}
        self.steps_per_epoch = max(1, self.counts["train"] // config.data.batch_size)
        self.left_out: list[tuple[str, str]] = getattr(builder, "left_out", [])
        self._splits = builder.as_dataset(as_supervised=True)
        self._class_weights = (
            balanced(self._counts_by_class(builder))
            if config.training.class_weight == "balanced"
            else None
        )
        self._how = Augmentation(**config.augmentation.model_dump())
        self._kept = kept_pictures(
            self._splits["train"],
            classes=len(self.classes),
            image_size=config.data.image_size,
            how=self._how,
        )

    def _counts_by_class(self, builder: tfds.core.DatasetBuilder) -> np.ndarray:
        """The number of training pictures of each class, which are not decoded."""
        skip = {"image": tfds.decode.SkipDecoding()}
        photos = builder.as_dataset(split="train", decoders=skip)
        labels = [int(photo["label"]) for photo in photos.as_numpy_iterator()]
        return np.bincount(labels, minlength=len(self.classes))

    def training(self, seed: int) -> tf.data.Dataset:
        """Endless batches for training; order and changes follow from the seed.

        With `training.class_weight` there are weights beside pictures and labels.
        """
        return training_batches(
            self._kept,
            image_size=self._config.data.image_size,
            batch_size=self._config.data.batch_size,
            how=self._how,
            seed=seed,
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


def _builder_of(data: Data) -> tfds.core.DatasetBuilder:
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
