"""Folders of pictures as tests need them."""

import os
from pathlib import Path
from typing import Any

from PIL import Image

from fruits.config import Config

# The beginning of a JPEG.
HALF = b"\xff\xd8\xff\xe0 half"


def picture(path: Path, shade: int = 0) -> None:
    """Writes a small picture; those of different shades differ."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 16), (shade % 256, 7 * shade % 256, 90)).save(path)


def fill(root: Path, *files: str) -> None:
    """Makes what the names say, each picture another one.

    "a/b.jpg" is a picture, "a/" an empty folder, "a/b.txt" a text, "a->b" a link. "a*3"
    stands for three pictures in a folder.
    """
    shade = 0
    for name in files:
        link, arrow, target = name.partition("->")
        folder, star, count = name.rpartition("*")
        path = root / (link if arrow else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if arrow:
            os.symlink(target, path)
        elif star:
            for number in range(int(count)):
                shade += 1
                picture(root / folder / f"{number}.jpg", shade)
        elif name.endswith("/"):
            path.mkdir()
        elif path.suffix in (".jpg", ".png"):
            shade += 1
            picture(path, shade)
        else:
            path.write_bytes(b"text")


def config(**data: Any) -> Config:
    """Of the pictures in photos/, small, with other keys of [data]."""
    given = {"source": "folder", "path": "photos", "image_size": 16, "batch_size": 2}
    return Config.model_validate({"data": given | data})


def tree(root: Path) -> set[str]:
    """All that is below a folder, by name."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


def break_pictures(*patterns: str) -> None:
    """Leaves only the beginning of those in photos/ that match."""
    for pattern in patterns:
        for path in Path("photos").glob(pattern):
            path.write_bytes(HALF)
