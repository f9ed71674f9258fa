"""Any folder that holds a folder of pictures for each class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fruits.photos import PhotoTree
from fruits.splits import Splits, find_splits


class FolderPictures(PhotoTree):
    """Pictures in a folder for each class: `<class>/**/picture`.

    The classes stand directly in the folder, or in folders of it for the splits, such
    as `train`, `val` and `test`.
    """

    @classmethod
    def find_splits(
        cls, path: Path, named: Mapping[str, str | None], ours: Sequence[Path]
    ) -> Splits:
        return find_splits(path, named, ours)
