"""Examples in files of TFRecords: the same in any order, and damage is found."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fruits import stored
from fruits.errors import DataError
from fruits.stored import StoredExamples
from tests.once import once

pytestmark = once
EXAMPLES = [bytes([i]) * (i * 37 % 101) for i in range(60)]


def written(folder: Path, *sizes: int) -> list[Path]:
    """Files with so many examples each."""
    examples, paths = iter(EXAMPLES), []
    for number, size in enumerate(sizes):
        paths.append(folder / f"a.tfrecord-{number}")
        with tf.io.TFRecordWriter(str(paths[-1])) as writer:
            for _ in range(size):
                writer.write(next(examples))
    return paths


@pytest.mark.parametrize("sizes", [(60,), (20, 40), (1, 0, 59), (59, 1, 0)])
@pytest.mark.parametrize("at_once", [1, 300, 10**6])
def test_they_are_what_was_written(
    sizes: tuple[int, ...],
    at_once: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stored, "_READ_AT_ONCE", at_once)
    examples = StoredExamples(written(tmp_path, *sizes), 60)
    assert len(examples) == 60
    assert [examples[i] for i in range(60)] == EXAMPLES
    order = np.random.default_rng(0).permutation(60)
    assert [examples[i] for i in order] == [EXAMPLES[i] for i in order]


def cut(content: bytes) -> bytes:
    return content[:-1]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def emptied(content: bytes) -> bytes:
    return b""


def lacking_the_last(content: bytes) -> bytes:
    return content[: -(16 + len(EXAMPLES[-1]))]


@pytest.mark.parametrize("damage", [cut, flipped, emptied, lacking_the_last])
def test_damage_is_named_before_anything_is_read(
    damage: object, tmp_path: Path
) -> None:
    assert callable(damage)
    first, second = written(tmp_path, 30, 30)
    second.write_bytes(damage(second.read_bytes()))
    with pytest.raises(DataError, match=r"data\.cache_dir: .* you delete it: ."):
        StoredExamples([first, second], 60)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone can't be read.*No such file"):
        StoredExamples([tmp_path / "gone"], 3)
