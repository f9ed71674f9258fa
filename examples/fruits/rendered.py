"""The drawn fruits as a data set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from fruits.prepared import KeptBuilder
from fruits.rendering import KINDS, draw_fruit

_SPLITS = ("train", "validation", "test")


class RenderedFruits(KeptBuilder):
    """Drawn fruits of 13 kinds, the same number of each, made from a seed.

    Picture number i of a split follows from the seed, the split and i alone.

    Args:
        image_size: Height and width of the pictures in pixels.
        train_images: The number of pictures to train on.
        validation_images: The number of pictures to validate with.
        test_images: The number of pictures to test with.
        seed: An integer >= 0.
        data_dir: Where prepared data sets are kept.
    """

    # To be raised whenever a drawing changes: prepared pictures are kept.
    VERSION = tfds.core.Version("1.0.0")

    def __init__(
        self,
        image_size: int,
        train_images: int,
        validation_images: int,
        test_images: int,
        seed: int,
        data_dir: str | Path,
    ):
        self.image_size = image_size
        self.seed = seed
        self.counts = dict(
            zip(_SPLITS, (train_images, validation_images, test_images), strict=True)
        )
        counts = "_".join(str(count) for count in self.counts.values())
        super().__init__(data_dir, f"{image_size}px_{counts}_seed{seed}")

    def _info(self) -> tfds.core.DatasetInfo:
        shape = (self.image_size, self.image_size, 3)
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__ or "",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=shape),
                    "label": tfds.features.ClassLabel(names=KINDS),
                }
            ),
            supervised_keys=("image", "label"),
        )

    @property
    def total(self) -> int:
        """How many pictures there are to draw."""
        return sum(self.counts.values())

    def examples(self) -> dict[str, Any]:
        """The drawings of each split."""
        return {split: self._drawn(split) for split in _SPLITS}

    def _drawn(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for i in range(self.counts[split]):
            kind = KINDS[i % len(KINDS)]
            seed = (self.seed, _SPLITS.index(split), i)
            yield i, {"image": draw_fruit(kind, self.image_size, seed), "label": kind}
