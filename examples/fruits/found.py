"""The photos in a folder that has a folder for each class, and what is no photo."""

import collections
import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

from fruits.errors import DataError
from fruits.formats import why_unreadable
from fruits.readable import label_of, readable, some
from fruits.splits import Splits, loose
from fruits.suggestions import suggestion
from fruits.tree import File, LeftOut, files_below, is_one_of, listing


@dataclasses.dataclass(frozen=True, slots=True)
class Photo:
    """A file and its label."""

    file: File
    label: str


@dataclasses.dataclass
class Found:
    """What a folder holds.

    Attributes:
        photos: The photos of each split.
        left_out: What is left out, and why.
        notes: What a person should know of it.
    """

    photos: dict[str, list[Photo]] = dataclasses.field(default_factory=dict)
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def find_photos(
    root: Path,
    splits: Splits,
    *,
    validation_share: float,
    seed: int,
    ours: Sequence[Path] = (),
) -> Found:
    """Finds the photos, keeping some back where there is no validation split.

    Args:
        root: The folder, as it is named in messages.
        splits: Its splits.
        validation_share: The share of each class that is kept back; at least one
            picture of a class of two or more.
        seed: An integer; which pictures are kept back.
        ours: Folders that may lie in it, and are none of its own.

    Raises:
        DataError: If they can't be trained on, or not be validated.
    """
    found = Found({}, list(splits.left_out), list(splits.notes))
    seen: set[str] = set()
    for split, folder in splits.folders.items():
        others = [other for other in splits.folders.values() if other != folder]
        apart = [*others, *ours]
        found.photos[split] = _photos_by_class(folder, apart, found, seen)
    _check(root, found)
    alike = _but_for_capitals({photo.label for photo in found.photos["train"]})
    if alike:
        found.notes.append(f"{some(alike, 6)} are classes of their own, by capitals")
    without = sorted(seen - {photo.label for photo in found.photos["train"]})
    if without:
        found.notes.append(f"left out, with no picture to read: {some(without, 5)}")
    if "validation" not in found.photos:
        found.photos |= _hold_back(found.photos["train"], validation_share, seed)
        if not found.photos["validation"]:
            raise DataError(
                f"data.path: {root} has one picture in each class, and at least one "
                "class needs two, as one is kept back to validate with"
            )
    return found


def _photos_by_class(
    root: Path, apart: list[Path], found: Found, seen: set[str]
) -> list[Photo]:
    """The photos of a split; `seen` gets the names of all its folders."""
    around = listing(root)
    found.left_out += loose(around)
    photos: dict[str, list[Photo]] = {}
    for folder in around.folders:
        if is_one_of(folder, apart):
            continue
        label = label_of(folder)
        below = files_below(folder)
        found.left_out += below.left_out
        if below.results:
            continue
        taken = [file for file in below.files if _is_taken(file, found)]
        if not taken:
            found.left_out.append((folder, "it is a class with no picture to read"))
        elif photos.get(label):
            found.notes.append(f"two folders in {readable(root)} are the class {label}")
        photos.setdefault(label, []).extend(Photo(file, label) for file in taken)
    seen |= set(photos)
    return [photo for alike in photos.values() for photo in alike]


def _is_taken(file: File, found: Found) -> bool:
    reason = why_unreadable(file.location) if file.size else "it is empty"
    if reason is not None:
        found.left_out.append((file.path, reason))
    return reason is None


def _check(root: Path, found: Found) -> None:
    for split, photos in found.photos.items():
        if not photos and split != "train":
            raise DataError(
                f"data.path: {root} has no picture to read in its {split} split"
                f"{_most_left_out(found)}"
            )
    classes = sorted({photo.label for photo in found.photos["train"]})
    if len(classes) < 2:
        raise DataError(
            f"data.path: {root} must hold pictures of at least two classes, a folder "
            f"for each, found {': '.join([str(len(classes)), *classes])}"
            f"{_most_left_out(found)}"
        )
    for split, photos in found.photos.items():
        unknown = sorted({photo.label for photo in photos} - set(classes))
        if unknown:
            raise DataError(
                f"data.path: {root} has classes in its {split} split of which its "
                f"train split has no picture to read: {some(unknown, 5)}"
                f"{suggestion(unknown[0], classes)}"
            )


def _but_for_capitals(labels: set[str]) -> list[str]:
    """The labels that differ from another one by capitals alone."""
    counts = collections.Counter(label.casefold() for label in labels)
    return sorted(label for label in labels if counts[label.casefold()] > 1)


def _most_left_out(found: Found) -> str:
    """Why most was left out: that may be what is wrong."""
    if not found.left_out:
        return ""
    reasons = collections.Counter(reason for _, reason in found.left_out)
    reason, count = reasons.most_common(1)[0]
    path = next(path for path, other in found.left_out if other == reason)
    more = f" and {count - 1} more" if count > 1 else ""
    tables = [
        path.name
        for path, _ in found.left_out
        if path.suffix.lower() in (".csv", ".tsv", ".xlsx", ".json", ".parquet")
    ]
    labels = f"; no labels are read from {readable(tables[0])}" if tables else ""
    return f" (left out is {readable(path.name)}{more}: {reason}{labels})"


def _hold_back(
    photos: list[Photo], validation_share: float, seed: int
) -> dict[str, list[Photo]]:
    """Splits off the validation pictures, class by class."""
    by_label: dict[str, list[Photo]] = {}
    for photo in photos:
        by_label.setdefault(photo.label, []).append(photo)
    split: dict[str, list[Photo]] = {"train": [], "validation": []}
    for label, alike in sorted(by_label.items()):
        random.Random(f"{seed} {label}").shuffle(alike)
        held_back = max(round(len(alike) * validation_share), 1)
        held_back = min(held_back, len(alike) - 1)
        split["validation"] += alike[:held_back]
        split["train"] += alike[held_back:]
    return split
