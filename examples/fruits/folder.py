"""Any folder that holds a folder of pictures for each class."""

import logging
import random
from pathlib import Path
from typing import Any

from PIL import Image

from fruits.photos import SPLIT_FOLDERS, DataError, Photo, PhotoTree, files_below
from fruits.photos import find_split as split_folder

logger = logging.getLogger(__name__)


class FolderPictures(PhotoTree):
    """Pictures in a folder for each class: `<class>/**/picture`.

    The classes stand directly in the folder, or in its folders `train`, `val` and
    `test`. Where there is no validation split, a share of each class is kept back for
    it, always the same one for one seed.

    Args:
        path: The folder.
        data_dir: Where prepared data sets are kept.
        validation_share: The share of each class that is kept back; at least one
            picture of a class of two or more.
        seed: An integer; which pictures are kept back.
    """

    @classmethod
    def find_photos(cls, path: Path, **options: Any) -> dict[str, list[Photo]]:
        folders = {split: split_folder(path, split) for split in SPLIT_FOLDERS}
        if folders["train"] is None:
            photos = {"train": _pictures_by_class(path)}
        else:
            photos = {
                split: _pictures_by_class(folder)
                for split, folder in folders.items()
                if folder is not None
            }
        classes = sorted({photo.label for photo in photos["train"]})
        if len(classes) < 2:
            raise DataError(
                f"{path} must hold at least two folders with pictures, one for each "
                f"class, found {len(classes)}: {classes}"
            )
        for split, found in photos.items():
            unknown = sorted({photo.label for photo in found} - set(classes))
            if unknown:
                raise DataError(
                    f"{path} has classes in its {split} split that its train split "
                    f"lacks: {unknown}"
                )
        if not photos.get("validation"):
            photos |= _hold_back(photos["train"], **options)
        return {split: found for split, found in photos.items() if found}


def _pictures_by_class(root: Path) -> list[Photo]:
    pictures = Image.registered_extensions()
    photos, others = [], 0
    for folder in sorted(entry for entry in root.iterdir() if entry.is_dir()):
        if folder.name.startswith("."):
            continue
        for file in files_below(folder):
            if file.suffix.lower() in pictures:
                photos.append(Photo(file, folder.name))
            else:
                others += 1
    if others:
        logger.warning("%s: %d files are not pictures by their names.", root, others)
    return photos


def _hold_back(
    photos: list[Photo], validation_share: float, seed: int
) -> dict[str, list[Photo]]:
    """Splits off the validation pictures, class by class."""
    split: dict[str, list[Photo]] = {"train": [], "validation": []}
    for label in sorted({photo.label for photo in photos}):
        alike = [photo for photo in photos if photo.label == label]
        random.Random(f"{seed} {label}").shuffle(alike)
        held_back = round(len(alike) * validation_share)
        if len(alike) > 1:
            held_back = min(max(held_back, 1), len(alike) - 1)
        split["validation"] += alike[:held_back]
        split["train"] += alike[held_back:]
    return split
