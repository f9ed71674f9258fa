"""The common part of data sets that are made of a tree of photos."""

import abc
import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import PIL
import tensorflow_datasets as tfds

from fruits.errors import DataError
from fruits.formats import formats_by_suffix, is_archive
from fruits.found import Photo, find_photos
from fruits.images import MAX_MEGAPIXELS, BrokenImageError, jpeg
from fruits.parallel import in_order
from fruits.prepared import KeptBuilder
from fruits.readable import readable, some
from fruits.splits import Splits
from fruits.twins import Twins
from fruits.whole_jpegs import whole_jpegs

_ORDER = ("train", "validation", "test")


class PhotoTree(KeptBuilder):
    """A data set of photos on disk, as a tensorflow-datasets builder.

    What is not a readable picture is left out and named in `left_out`. The
    configuration's name holds a fingerprint of all files, so that a changed folder is
    prepared anew instead of being served from the cache.

    Args:
        path: The folder of the photos, `manual_dir` in the words of
            tensorflow-datasets.
        data_dir: Where prepared data sets are kept.
        validation_share: Where there is no validation split, the share of each class
            that is kept back for one, always the same for one seed; at least one
            picture of a class of two or more.
        seed: An integer; which pictures are kept back.
        split_folders: The folders of the splits, where they can't be told by name.
        max_megapixels: Larger photos are left out.
        runs_dir: Where results are kept.

    Attributes:
        photos: The photos of each split.
        labels: The names of the classes, as found.

    Raises:
        DataError: If the folder does not hold what is needed.
    """

    # To be raised whenever photos are read in another way: prepared ones are kept.
    VERSION = tfds.core.Version("2.0.0")

    def __init__(
        self,
        path: str | Path,
        data_dir: str | Path,
        *,
        validation_share: float = 0.2,
        seed: int = 0,
        split_folders: Mapping[str, str | None] | None = None,
        max_megapixels: int = MAX_MEGAPIXELS,
        runs_dir: str | Path | None = None,
    ):
        self.path = Path(os.path.expanduser(path))
        self._prefix = os.path.join(self.path, "")
        self._max_megapixels = max_megapixels
        _check_folder(self.path)
        # They may lie in the folder of the photos, with pictures of the results.
        names = [os.path.expanduser(name) for name in (data_dir, runs_dir) if name]
        ours = [Path(name) for name in names if os.path.isdir(name)]
        self._found = find_photos(
            self.path,
            self.find_splits(self.path, split_folders or {}, ours),
            validation_share=validation_share,
            seed=seed,
            ours=ours,
        )
        self.photos: dict[str, list[Photo]] = {
            split: self._found.photos[split]
            for split in _ORDER
            if split in self._found.photos
        }
        self.labels = sorted({photo.label for photo in self.photos["train"]})
        self._twins = Twins()
        super().__init__(data_dir, f"photos_{self._fingerprint()}")

    @classmethod
    @abc.abstractmethod
    def find_splits(
        cls, path: Path, named: Mapping[str, str | None], ours: Sequence[Path]
    ) -> Splits:
        """Returns where the classes of each split are; see `fruits.splits`."""

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """What was left out, as (path below the folder, reason)."""
        found = [(self._name(path), reason) for path, reason in self._found.left_out]
        broken = (self.info.metadata or {}).get("left_out", [])
        return [*found, *(tuple(entry) for entry in broken)]

    @property
    def classes(self) -> list[str]:
        """Without those whose pictures are all broken."""
        return sorted(self.counts["train"])

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """The number of pictures that could be read, by split and class."""
        return self.info.metadata["counts"]

    @property
    def notes(self) -> list[str]:
        """What a person should know of the pictures, a sentence each."""
        notes = [*self._found.notes, *self.info.metadata["notes"]]
        lost = [label for label in self.labels if label not in self.classes]
        if lost:
            notes.append(f"left out, as all its pictures are broken: {some(lost, 5)}")
        for split, counts in self.counts.items():
            lacking = [label for label in self.classes if label not in counts]
            if lacking:
                notes.append(f"no {split} picture of {some(lacking, 5)}")
        return notes

    def _name(self, path: str | Path) -> str:
        """How a file or folder is called in messages."""
        return readable(self._inside(path))

    def _key(self, photo: Photo) -> bytes:
        """The name of a photo; any bytes may be in it."""
        return os.fsencode(self._inside(photo.file.location))

    def _inside(self, path: str | Path) -> str:
        # As relpath, which takes a third of the time that it takes to find the files.
        return os.fspath(path).removeprefix(self._prefix)

    def _fingerprint(self) -> str:
        """Tells apart whatever is read in another way, or is something else."""
        marks = (os.fsencode(self.path.resolve()), self._max_megapixels)
        formats = sorted(set(formats_by_suffix().values()))
        found = hashlib.sha256(repr((*marks, PIL.__version__, formats)).encode())
        for split, photos in self.photos.items():
            for photo in photos:
                file, key = photo.file, self._key(photo)
                mark = (split, key, photo.label, file.size, file.modified)
                found.update(repr(mark).encode())
        return found.hexdigest()[:16]

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
            metadata=tfds.core.MetadataDict(left_out=[], counts={}, notes=[]),
        )

    @property
    def total(self) -> int:
        """How many photos there are, broken ones among them."""
        return sum(map(len, self.photos.values()))

    def examples(self) -> dict[str, Any]:
        """The photos of each split that can be read."""
        return {
            split: self._generate(split, photos)
            for split, photos in self.photos.items()
        }

    def _generate(
        self, split: str, photos: list[Photo]
    ) -> Iterator[tuple[bytes, dict[str, Any]]]:
        counts: dict[str, int] = {}
        broken: list[tuple[str, str]] = []
        files = [photo.file for photo in photos]
        whole = whole_jpegs(files, self._max_megapixels)
        contents: Iterator[bytes | BrokenImageError]
        contents = in_order(self._read, photos, whole)
        for photo, content in zip(photos, contents, strict=True):
            if isinstance(content, BrokenImageError):
                broken.append((self._name(photo.file.location), str(content)))
                continue
            counts[photo.label] = counts.get(photo.label, 0) + 1
            self._twins.add(content, split, photo)
            yield (
                self._key(photo),
                {"image": io.BytesIO(content), "label": photo.label},
            )
        if not counts:
            raise DataError(
                f"data.path: all pictures of the {split} split of {self.path} are "
                f"broken, for example {broken[0][0]}: {broken[0][1]}"
            )
        self.info.metadata["left_out"] += broken
        self.info.metadata["counts"][split] = counts

    def _read(self, photo: Photo) -> bytes | BrokenImageError:
        path = photo.file.path
        try:
            return jpeg(path, max_megapixels=self._max_megapixels)
        except BrokenImageError as error:
            # Else all that was there would be kept for later as what is broken.
            if not os.path.lexists(path):
                raise DataError(
                    f"data.path: {path} has gone since it was found; the pictures must "
                    "stay as they are while they are prepared"
                ) from error
            return error

    def _download_and_prepare(self, *args: Any, **options: Any) -> None:
        super()._download_and_prepare(*args, **options)
        counts = self.counts
        taught = sorted(counts["train"])
        if len(taught) < 2:
            raise DataError(
                f"data.path: {self.path} must hold readable photos of at least two "
                f"classes to train on, found {len(taught)}: {some(taught)}"
            )
        for split in counts:
            unknown = sorted(set(counts[split]) - set(taught))
            if unknown:
                raise DataError(
                    f"data.path: all pictures that {self.path} has to train on "
                    f"{some(unknown, 5)} are broken, and its {split} split has others: "
                    "mend them, or take that class away"
                )
        self.info.metadata["notes"] = self._twins.notes(self._name)


def _check_folder(path: Path) -> None:
    try:
        if path.is_file():
            remedy = ": unpack it, and name the folder" if is_archive(path) else ""
            raise DataError(f"data.path: {path} is not a folder{remedy}")
        with os.scandir(path):
            pass
    except FileNotFoundError as error:
        raise DataError(f"data.path: {path} does not exist") from error
    except OSError as error:
        raise DataError(
            f"data.path: {path} can't be opened: {error.strerror}"
        ) from error
