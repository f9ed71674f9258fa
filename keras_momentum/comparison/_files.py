"""Files that are whole or not there."""

import contextlib
import hashlib
import os
from pathlib import Path

# What `compare` alone has to do with: locks, and files in the making.
_ROOM = ".keras_momentum"


def write_whole(file: Path, content: str | bytes) -> None:
    """Writes a file beside its place and renames it, so that it is never half there.

    Raises:
        OSError: If that fails, with the name of the file; what was there stays.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    content = content.encode() if isinstance(content, str) else content
    try:
        with beside.open("wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        beside.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise OSError(error.errno, error.strerror, str(file)) from error


def digest_of_file(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def room_of(folder: Path) -> Path:
    """The folder in a comparison's folder in which nothing is anybody else's."""
    room = folder / _ROOM
    room.mkdir(parents=True, exist_ok=True)
    return room


def lock_of(folder: Path, name: str) -> Path:
    """The file by which processes agree on who does a thing in a folder."""
    locks = room_of(folder) / "locks"
    locks.mkdir(exist_ok=True)
    return locks / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
