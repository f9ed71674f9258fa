"""The common part of data sets that are made of a tree of photos."""

import abc
import dataclasses
import hashlib
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
import tensorflow_datasets as tfds

from fruits.errors import RefusedError
from fruits.images import BrokenImageError, jpeg

logger = logging.getLogger(__name__)

# The splits by the names of tensorflow-datasets, and the folders that hold them.
SPLIT_FOLDERS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


class DataError(RefusedError):
    """Data that can't be used; the message is one sentence for the user."""


@dataclasses.dataclass(frozen=True)
class Photo:
    """A file and its label."""

    path: Path
    label: str


class PhotoTree(tfds.core.GeneratorBasedBuilder):
    """A data set of photos on disk, as a tensorflow-datasets builder.

    A file that is not a readable picture is left out and named in `left_out`. The
    configuration's name holds a fingerprint of all files, so that a changed folder is
    prepared anew instead of being served from the cache.

    Args:
        path: The folder of the photos, `manual_dir` in the words of
            tensorflow-datasets.
        data_dir: Where prepared data sets are kept.
        **options: What a subclass needs to find its photos.

    Raises:
        DataError: If the folder does not hold what is needed.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, path: str | Path, data_dir: str | Path, **options: Any):
        self.path = Path(path).expanduser()
        if not self.path.is_dir():
            what = "is not a folder" if self.path.exists() else "does not exist"
            raise DataError(f"{self.path} {what}")
        self.photos = self.find_photos(self.path, **options)
        self.labels = sorted(
            {photo.label for photos in self.photos.values() for photo in photos}
        )
        config = tfds.core.BuilderConfig(
            name=f"photos_{self._fingerprint()}", version=self.VERSION
        )
        super().__init__(data_dir=data_dir, config=config)

    @classmethod
    @abc.abstractmethod
    def find_photos(cls, path: Path, **options: Any) -> dict[str, list[Photo]]:
        """Returns the photos of each split; raises `DataError` if there are none."""

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """The files that were left out, as (path below the folder, reason)."""
        return [
            tuple(entry) for entry in (self.info.metadata or {}).get("left_out", [])
        ]

    def _fingerprint(self) -> str:
        lines = []
        for split, photos in sorted(self.photos.items()):
            for photo in photos:
                status = photo.path.stat()
                name = photo.path.relative_to(self.path)
                lines.append(
                    f"{split} {name} {photo.label} "
                    f"{status.st_size} {status.st_mtime_ns}"
                )
        text = "\n".join([str(self.path.resolve()), *lines])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__ or "",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(None, None, 3), encoding_format="jpeg"
                    ),
                    "label": tfds.features.ClassLabel(names=self.labels),
                }
            ),
            supervised_keys=("image", "label"),
            metadata=tfds.core.MetadataDict(left_out=[], train_classes=[]),
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {
            split: self._generate(split, photos)
            for split, photos in self.photos.items()
        }

    def _generate(
        self, split: str, photos: list[Photo]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        classes = set()
        for photo in photos:
            name = str(photo.path.relative_to(self.path))
            try:
                content = jpeg(photo.path)
            except BrokenImageError as error:
                logger.warning("%s is left out: %s.", name, error)
                self.info.metadata["left_out"].append((name, str(error)))
                continue
            classes.add(photo.label)
            yield name, {"image": io.BytesIO(content), "label": photo.label}
        if split == "train":
            self.info.metadata["train_classes"] = sorted(classes)

    def _generate_examples(self) -> Any:
        raise NotImplementedError("Each split has a generator of its own.")


def prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Prepares a data set, or finds it prepared, without a network connection.

    Raises:
        DataError: If there are fewer than two classes with a readable photo to train
            on.
    """
    tfds.disable_progress_bar()
    folder = Path(builder.data_path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Two processes that prepare the same data would delete each other's files.
    with filelock.FileLock(f"{folder}.lock"):
        builder.download_and_prepare()
    if not builder.info.splits:  # The other one has prepared them.
        builder.info.read_from_directory(folder)
    if isinstance(builder, PhotoTree):
        classes = builder.info.metadata["train_classes"]
        if len(classes) < 2:
            raise DataError(
                f"{builder.path} must hold readable photos of at least two classes to "
                f"train on, found {len(classes)}: {classes}"
            )


def files_below(folder: Path) -> list[Path]:
    """All files below a folder that are not hidden, in the order of their names."""
    return sorted(
        Path(parent) / name
        for parent, _, names in os.walk(folder)
        for name in names
        if not any(
            part.startswith(".")
            for part in (Path(parent) / name).relative_to(folder).parts
        )
    )


def find_split(root: Path, split: str) -> Path | None:
    """The folder of a split below `root`, or `None` if there is none."""
    for name in SPLIT_FOLDERS[split]:
        if (root / name).is_dir():
            return root / name
    return None
