"""The examples of a prepared data set, each read when it is asked for."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
import tensorflow as tf

from fruits.errors import DataError
from fruits.file_errors import as_os_errors

# A record is its length (8 bytes), a sum of that (4), the content, and its sum (4).
_BEFORE, _AFTER = 12, 4
_READ_AT_ONCE = 1_000_000  # bytes


class StoredExamples:
    """The examples in files of TFRecords, in any order and without reading all.

    Such a file says nowhere where its records begin. That is found once, in a pass in
    which TensorFlow checks the sums of all of them as well.

    Args:
        paths: The files.
        count: How many there are in all of them.

    Raises:
        DataError: If a file can't be read, or is damaged.
    """

    def __init__(self, paths: Iterable[str | Path], count: int):
        self._files = [_opened(Path(path)) for path in paths]
        size = sum(os.fstat(file.fileno()).st_size for file in self._files)
        at_once = max(1, _READ_AT_ONCE * count // max(size, 1))
        begins, lengths = [], []
        for file in self._files:
            lengths.append(_lengths(file.name, at_once))
            ends = np.cumsum(lengths[-1] + (_BEFORE + _AFTER))
            begins.append(ends - lengths[-1] - _AFTER)
        self._begins = np.concatenate(begins)
        self._lengths = np.concatenate(lengths)
        self._last = np.cumsum([len(of_file) for of_file in lengths])
        if len(self) != count:
            folder = Path(self._files[0].name).parent
            raise _unreadable(folder, f"it holds {len(self)} of {count} pictures")

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, number: int) -> bytes:
        if not 0 <= number < len(self):
            raise IndexError(number)
        file = self._files[np.searchsorted(self._last, number, side="right")]
        length = int(self._lengths[number])
        # At a place, as several threads read: the file has but one position.
        content = os.pread(file.fileno(), length, int(self._begins[number]))
        if len(content) != length:
            raise OSError(f"{file.name} has become shorter while it is in use")
        return content


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(path, error.strerror) from error


def _lengths(path: str, at_once: int) -> np.ndarray:
    batches = tf.data.TFRecordDataset(path).batch(at_once).map(tf.strings.length)
    try:
        with as_os_errors():
            lengths = list(batches.as_numpy_iterator())
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    return np.concatenate([np.empty(0, np.int64), *lengths])


def _unreadable(path: str | Path, reason: str | None) -> DataError:
    return DataError(
        f"data.cache_dir: {path} can't be read, and is made anew if you delete it: "
        f"{reason}"
    )
