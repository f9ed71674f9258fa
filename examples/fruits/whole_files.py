"""Files that are whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_MARK = ".partial."


@contextlib.contextmanager
def written_whole(file: Path) -> Iterator[Path]:
    """Gives a place beside a file to write to, and then puts that in its place.

    Whenever the process is killed, or the disk is full, the file is what it was before
    or what it is to be.

    Args:
        file: The file. One process at a time may write it.

    Raises:
        OSError: If it can't be written, with its name.
    """
    beside = file.with_name(_MARK + file.name)
    try:
        yield beside
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(file)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(file)) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()


def half_written(folder: Path) -> list[Path]:
    """What a process that was killed has left half written."""
    return list(folder.glob(f"{_MARK}*"))


def tidy(folder: Path) -> None:
    """Deletes what is half written."""
    for left in half_written(folder):
        left.unlink()
