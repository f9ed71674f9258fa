"""What a folder looks like: a split, a class, or neither."""

import functools
import re
from pathlib import Path

from fruits.formats import is_picture
from fruits.readable import label_of, readable
from fruits.tree import Listing, holds_pictures, listing

# The splits by the names of tensorflow-datasets, and those of their folders.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}


class Shape:
    """What a folder has in it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.name = readable(folder.name)
        self.split = next(
            (
                split
                for split, names in SPLIT_NAMES.items()
                if folder.name.casefold() in names
            ),
            None,
        )

    @functools.cached_property
    def _listing(self) -> Listing:
        return listing(self.folder)

    @functools.cached_property
    def pictures(self) -> bool:
        """Whether pictures lie directly in it."""
        return any(is_picture(file.location) for file in self._listing.files)

    @functools.cached_property
    def classes(self) -> list[str]:
        """The names of the folders in it that hold pictures."""
        inside = self._listing.folders
        return [label_of(folder) for folder in inside if holds_pictures(folder)]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it to train on."""
        without = not self.pictures and not self.classes
        return without or self._listing.results is not None

    @property
    def hint(self) -> str | None:
        """The split that a part of its name stands for, as in seg_train."""
        parts = re.split(r"[\W_\d]+", self.folder.name.casefold())
        for split, names in SPLIT_NAMES.items():
            if set(parts) & set(names):
                return split
        return None

    @property
    def why_left_out(self) -> str:
        if self._listing.results:
            return self._listing.results
        if self.is_empty:
            return "it holds no picture"
        if self.split:
            return "it holds pictures, but no folder for each class"
        return "it lies beside the splits, and is none by its name"
