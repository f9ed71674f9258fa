"""Rows of bytes on disk, for one process and as long as it lives."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

import numpy as np

# For the files of the results, and for others.
_SHARE_LEFT_FREE = 0.5


class ScratchRows:
    """Rows of bytes, all of one length, in a file that has no name.

    Nobody else finds it, and nothing is left of it when the process ends, in whatever
    way. What is read often stays in the cache of the operating system, which gives
    that memory up where it is needed. Rows for which there is no room are not kept.

    Args:
        count: The number of rows.
        length: The bytes of a row.
        folder: Where the file is, if it can be written there; where not, it is among
            the temporary files of the system.
    """

    def __init__(self, count: int, length: int, folder: str | Path):
        self._length = length
        self._file, free = _open(folder)
        self._left_free = int(free * _SHARE_LEFT_FREE)
        self._kept = min(count, (free - self._left_free) // length)
        if self._kept < count:
            print(
                "data.cache_dir: there is no room for all pictures, decoded "
                f"({count * length / 1e9:.3g} GB); {count - self._kept} of {count} are "
                "decoded again in each epoch."
            )

    def write(self, number: int, row: np.ndarray) -> bool:
        """Writes a row; whether it is kept, as a whole."""
        if self._file is None or number >= self._kept:
            return False
        content, file = np.ascontiguousarray(row).data, self._file.fileno()
        try:
            # Others write there as well, the other splits among them.
            if shutil.disk_usage(file).free < self._left_free:
                return False
            done = os.pwrite(file, content, number * self._length)
        except OSError:  # The disk is full nevertheless, for example.
            return False
        return done == self._length

    def read(self, number: int, row: np.ndarray) -> None:
        """Reads a row that was kept into an array of its own."""
        assert self._file is not None
        done = os.preadv(self._file.fileno(), [row.data], number * self._length)
        if done != self._length:
            raise OSError("a file of decoded pictures has become shorter")


def _open(folder: str | Path) -> tuple[IO[bytes] | None, int]:
    """A file, and the bytes that are free where it is."""
    for place in (os.path.expanduser(folder), tempfile.gettempdir()):
        try:
            free = shutil.disk_usage(place).free
            return tempfile.TemporaryFile(dir=place, buffering=0), free
        except OSError:  # There may be no folder, or one that can only be read.
            continue
    return None, 0
