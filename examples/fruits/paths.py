"""Paths as people write them, and whether they can be used."""

import os
import tempfile
from pathlib import Path

from fruits.errors import RefusedError, received

PICTURES = (".png", ".jpg", ".pdf", ".svg")


def expanded(text: str) -> Path:
    """A path with `~` and `~user` replaced by the folder of the user.

    Raises:
        ValueError: If it is none, or there is no such user.
    """
    if not text.strip() or "\0" in text:
        raise ValueError(f"it must be a path. {received(text)}")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ValueError(f"there is no such user. {received(text)}") from error


def check_folder(folder: Path) -> None:
    """Refuses a folder in which nothing can be written; makes nothing.

    Raises:
        RefusedError: If it is there and no folder, or it or the one in which it would
            be made can't be written.
    """
    try:
        there = next(filter(_is_there, (folder, *folder.parents)))
        if not there.is_dir():
            raise RefusedError(f"{there} is not a folder")
        # Asking for permissions says nothing of a disk that is full or read-only.
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise RefusedError(f"{folder} can't be written: {error.strerror}") from error


def picture(text: str) -> Path:
    """The file of a picture; makes nothing.

    Raises:
        RefusedError: If no picture can be written there.
    """
    try:
        file = expanded(text)
        if file.suffix.lower() not in PICTURES or file.is_dir():
            raise RefusedError(
                f"a picture must end in {', '.join(PICTURES)}. {received(text)}"
            )
        check_folder(file.parent)
        if file.exists() and not os.access(file, os.W_OK):
            raise RefusedError(f"{text!r} can't be written")
    except RefusedError:
        raise
    except OSError as error:
        raise RefusedError(f"{text!r} can't be written: {error.strerror}") from error
    except ValueError as error:
        raise RefusedError(f"a picture: {error}") from error
    return file


def _is_there(path: Path) -> bool:
    """Whether there is anything, be it a link that leads nowhere."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
