"""The fruit photos of the Grocery Store Dataset."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from fruits.errors import DataError
from fruits.photos import PhotoTree
from fruits.shape import SPLIT_NAMES
from fruits.splits import Splits, find_splits

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
    def find_splits(
        cls, path: Path, named: Mapping[str, str | None], ours: Sequence[Path]
    ) -> Splits:
        root = path / "dataset" if (path / "dataset").is_dir() else path
        splits = find_splits(root, named, ours)
        fruit = {
            split: folder / "Fruit"
            for split, folder in splits.folders.items()
            if (folder / "Fruit").is_dir()
        }
        if "train" not in fruit:
            raise DataError(
                f"data.path: {path} must hold photos in dataset/train/Fruit/<kind>/, "
                "as the Grocery Store Dataset does"
            )
        for split in SPLIT_NAMES:
            if split not in fruit:
                logger.warning("%s has no %s split; it is skipped.", root, split)
        return Splits(fruit, splits.left_out, splits.notes)
