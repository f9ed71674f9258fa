"""The fruit photos of the Grocery Store Dataset."""

import logging
from pathlib import Path
from typing import Any

from fruits.photos import SPLIT_FOLDERS, DataError, Photo, PhotoTree, files_below
from fruits.photos import find_split as split_folder

logger = logging.getLogger(__name__)


class GroceryFruits(PhotoTree):
    """Photos of fruit, taken with a phone in grocery stores, by their coarse kinds.

    The folder is the repository github.com/marcusklasson/GroceryStoreDataset or a
    copy of it: `dataset/{train,val,test}/Fruit/<Coarse>/[<Fine>/]*.jpg`. A split that
    is not there is skipped with a message.

    Reference:

    - Klasson, Zhang and Kjellström, 2019, "A Hierarchical Grocery Store Image Dataset
      with Visual and Semantic Labels" (MIT licence).
    """

    @classmethod
    def find_photos(cls, path: Path, **options: Any) -> dict[str, list[Photo]]:
        root = path / "dataset" if (path / "dataset").is_dir() else path
        photos = {}
        for split in SPLIT_FOLDERS:
            folder = split_folder(root, split)
            if folder is None or not (folder / "Fruit").is_dir():
                logger.warning("%s has no %s split; it is skipped.", root, split)
                continue
            fruit = folder / "Fruit"
            photos[split] = [
                Photo(file, file.relative_to(fruit).parts[0])
                for file in files_below(fruit)
                if file.suffix.lower() == ".jpg"
            ]
        if not photos.get("train"):
            raise DataError(
                f"{path} must hold photos in dataset/train/Fruit/<kind>/, as the "
                "Grocery Store Dataset does"
            )
        return {split: found for split, found in photos.items() if found}
