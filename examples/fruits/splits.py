"""Which folders are the splits of a data set, and which are classes."""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fruits.errors import DataError
from fruits.formats import is_picture
from fruits.readable import label_of, readable, some
from fruits.shape import Shape
from fruits.tree import LeftOut, Listing, is_one_of, listing

_REMEDY = (
    'data.split_folders says which is which, for example {train = "train", test = '
    '"test"}, or {train = "."} where every folder is a class'
)


@dataclasses.dataclass
class Splits:
    """Where the classes of each split are.

    Attributes:
        folders: The folder that holds the class folders, by split.
        left_out: What lies beside them, and why it is left out.
        notes: How it was found, where that is not plain.
    """

    folders: dict[str, Path]
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def find_splits(
    root: Path, named: Mapping[str, str | None], ours: Sequence[Path] = ()
) -> Splits:
    """Finds the splits in a folder by what is in it.

    A folder is a split if it is called like one, holds class folders, and what lies
    beside it agrees with that. Where none is, the folder itself is the training split.

    Args:
        root: The folder.
        named: The folders of the splits below it, as `data.split_folders` names them.
        ours: Folders that may lie in it, and are none of its own.

    Raises:
        DataError: If that can't be told, or a folder that is named is not there.
    """
    if any(name is not None for name in named.values()):
        return _as_named(root, named)
    return _as_found(root, ours)


def _as_named(root: Path, named: Mapping[str, str | None]) -> Splits:
    folders: dict[str, Path] = {}
    for split, name in named.items():
        if name is None:
            continue
        folder = root / name
        key = f"data.split_folders.{split}"
        if not name or not os.path.isdir(folder):  # Which takes names of any length.
            raise DataError(f"{key}: {root} has no folder {name!r}")
        for other, taken in folders.items():
            if folder.samefile(taken):
                raise DataError(
                    f"{key}: {name!r} is the folder of data.split_folders.{other} too"
                )
        folders[split] = folder
    if "train" not in folders:
        raise DataError(
            "data.split_folders.train: it must be named where other splits are, and "
            'may be "." if the classes lie directly in data.path'
        )
    around = listing(root)
    used = {folder.resolve() for folder in folders.values()}
    if root.resolve() in used:
        return Splits(folders)
    left_out = [
        (folder, "data.split_folders does not name it")
        for folder in around.folders
        if not any(folder.resolve() in (path, *path.parents) for path in used)
    ]
    return Splits(folders, [*loose(around), *left_out])


def _as_found(root: Path, ours: Sequence[Path]) -> Splits:
    top = listing(root)
    shapes = [Shape(folder) for folder in top.folders if not is_one_of(folder, ours)]
    full = [shape for shape in shapes if not shape.is_empty]
    alike = [shape for shape in full if shape.split]
    splits = [shape for shape in alike if shape.classes]
    others = [shape for shape in full if not shape.split]
    if len(full) == 1 and not alike and full[0].classes and not full[0].pictures:
        # Archives often have one folder around all.
        found = _as_found(full[0].folder, ours)
        found.left_out = [*loose(top), *_beside(shapes, full), *found.left_out]
        found.notes.insert(0, f"the classes were found in {full[0].name}")
        return found
    if not alike:
        return Splits({"train": root}, notes=_doubts(root, full))
    if not _are_splits(root, splits, others, alike):
        names = some([shape.name for shape in alike])
        note = f"{names} is taken for a class, as what lies beside it is no split"
        return Splits({"train": root}, notes=[note])
    folders: dict[str, Path] = {}
    for shape in splits:
        assert shape.split
        if shape.split in folders:
            raise DataError(
                f"data.path: {root} has two folders for the {shape.split} split, "
                f"{readable(folders[shape.split].name)} and {shape.name}: {_REMEDY}"
            )
        folders[shape.split] = shape.folder
    if "train" not in folders:
        raise DataError(
            f"data.path: {root} has {some([shape.name for shape in splits])}, but no "
            f"folder for the train split: {_REMEDY}"
        )
    left_out = [*loose(top), *_beside(shapes, splits)]
    return _unwrapped(Splits(folders, left_out))


def _are_splits(
    root: Path,
    splits: list[Shape],
    others: list[Shape],
    alike: list[Shape],
) -> bool:
    """Whether folders that are called like splits are splits, not classes.

    Args:
        root: The folder they are in.
        splits: Those that hold class folders.
        others: Folders with pictures that are not called like a split.
        alike: All that are called like one.

    Raises:
        DataError: If they may be both.
    """
    kinds = {shape.split for shape in splits}
    if not others:
        if splits:
            return True
        raise DataError(
            f"data.path: {root} has {some([shape.name for shape in alike])} with "
            f"pictures directly in them, and must have a folder for each class: "
            f"{_REMEDY}"
        )
    names = [shape.name for shape in (*alike, *others)]
    in_doubt = DataError(
        f"data.path: {root} has {some(names, 5)}, which may be splits or classes: "
        f"{_REMEDY}"
    )
    if len(kinds) > 1:
        if set.intersection(*(set(shape.classes) for shape in splits)):
            return True
        raise in_doubt
    if not splits:
        # A class may be called train; one that is called test beside it hardly is.
        if len({shape.split for shape in alike}) > 1:
            raise in_doubt
        return False
    only = set(splits[0].classes)
    shared = only & {label_of(shape.folder) for shape in others}
    if shared or (len(only) > 1 and not all(shape.classes for shape in others)):
        raise in_doubt
    return False


def _doubts(root: Path, full: list[Shape]) -> list[str]:
    """What speaks for splits where no folder is called like one.

    Raises:
        DataError: If it is plain, as for seg_train and seg_test.
    """
    nested = [shape for shape in full if shape.classes and not shape.pictures]
    hinted = {shape.name: shape.hint for shape in nested if shape.hint}
    if len(set(hinted.values())) > 1:
        raise DataError(
            f"data.path: {root} has {some(sorted(hinted))}, which look like splits: "
            f"{_REMEDY}"
        )
    if len(nested) < len(full) or len(nested) < 2:
        return []
    shared = set.intersection(*(set(shape.classes) for shape in nested))
    if len(shared) < 2:
        return []
    return [
        f"all classes have folders called {some(sorted(shared))}: if those are the "
        f"classes, {_REMEDY}"
    ]


def _beside(shapes: Iterable[Shape], used: list[Shape]) -> list[LeftOut]:
    return [(shape.folder, shape.why_left_out) for shape in shapes if shape not in used]


def _unwrapped(splits: Splits) -> Splits:
    """`train/train/<class>`, as it comes out of a train.zip that was unpacked there."""
    for split, folder in splits.folders.items():
        inside = listing(folder)
        while (
            len(inside.folders) == 1
            and inside.folders[0].name.casefold() == folder.name.casefold()
        ):
            splits.left_out += loose(inside)
            folder = inside.folders[0]
            inside = listing(folder)
        splits.folders[split] = folder
    return splits


def loose(around: Listing) -> list[LeftOut]:
    """The files beside folders of classes or splits, and what can't be read there."""
    files = [
        (file.path, _why_loose(file.path.name))
        if is_picture(file.location)
        else (file.path, "it is not a picture")
        for file in around.files
    ]
    return [*around.left_out, *files]


def _why_loose(name: str) -> str:
    if "\\" in name:
        return (
            "its name has backslashes in the place of folders: unpack the archive with "
            "a program that knows those of Windows, such as 7z"
        )
    return "it lies beside the folders of the classes"
