"""Squares on disk: made when needed, made once, and never half there."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from fruits import scratch
from fruits.pipeline import evaluation_batches
from fruits.scratch import ScratchRows
from fruits.squares import Squares, squared
from tests.examples.squares_in_memory import squares_of
from tests.once import once

pytestmark = once
PICTURES = np.random.default_rng(0).integers(0, 255, (9, 20, 14, 3), np.uint8)
EXPECTED = np.stack([squared(picture, 12) for picture in PICTURES])


class Counting(list[bytes]):
    """Examples that know how often each is read."""

    def __init__(self, examples: list[bytes]):
        super().__init__(examples)
        self.read = [0] * len(examples)

    def __getitem__(self, number: Any) -> Any:
        self.read[number] += 1
        return super().__getitem__(number)


def squares(folder: Path) -> tuple[Squares, Counting]:
    made = squares_of(PICTURES, np.arange(9), classes=9, side=12, folder=folder)
    examples = Counting([made._examples[number] for number in range(9)])
    made._examples = examples
    return made, examples


def passed_through(made: Squares) -> None:
    """All pictures are the right ones, with the right labels."""
    batches = evaluation_batches(made, 4)
    pictures, labels = (np.concatenate(part) for part in zip(*batches, strict=True))
    np.testing.assert_array_equal(pictures, EXPECTED)
    np.testing.assert_array_equal(labels, np.eye(9))


def test_a_picture_is_decoded_once_and_only_when_it_is_needed(tmp_path: Path) -> None:
    made, examples = squares(tmp_path)
    chosen = tf.data.Dataset.from_tensors(np.array([7, 2, 7])).map(made.of)
    for _ in range(2):
        ((pictures, labels),) = chosen.as_numpy_iterator()
        np.testing.assert_array_equal(pictures, EXPECTED[[7, 2, 7]])
        np.testing.assert_array_equal(labels.argmax(axis=1), [7, 2, 7])
    assert examples.read == [0, 0, 1, 0, 0, 0, 0, 2, 0]
    passed_through(made)
    passed_through(made)
    assert examples.read == [1, 1, 1, 1, 1, 1, 1, 2, 1]


def test_nothing_is_seen_of_them_in_the_folder(tmp_path: Path) -> None:
    made, _ = squares(tmp_path)
    passed_through(made)
    assert list(tmp_path.iterdir()) == []
    assert made._rows._file is not None
    assert os.fstat(made._rows._file.fileno()).st_dev == os.stat(tmp_path).st_dev


def full(*_: Any) -> int:
    raise OSError(28, "No space left on device")


def half(file: int, row: memoryview, place: int) -> int:
    return os.write(file, row.cast("B")[:100])


def nowhere(**_: Any) -> Any:
    raise OSError(30, "Read-only file system")


def no_room(_: Any) -> Any:
    return SimpleNamespace(free=0)


def little_room(_: Any) -> Any:
    return SimpleNamespace(free=2 * 4 * 12 * 12 * 3)


class Shrinking:
    """A disk that others fill, after three pictures."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _: Any) -> Any:
        self.asked += 1
        return SimpleNamespace(free=10**6 if self.asked <= 1 + 3 else 10**5)


@pytest.mark.parametrize(
    ("place", "fault", "kept", "said"),
    [
        ("os.pwrite", full, 0, ""),
        ("os.pwrite", half, 0, ""),
        ("tempfile.TemporaryFile", nowhere, 0, "9 of 9 are decoded again"),
        ("shutil.disk_usage", no_room, 0, "9 of 9 are decoded again"),
        ("shutil.disk_usage", Shrinking(), 3, ""),
        ("shutil.disk_usage", little_room, 4, "5 of 9 are decoded again"),
    ],
)
def test_without_room_pictures_are_decoded_again_and_are_the_same(
    place: str,
    fault: Any,
    kept: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module, name = place.split(".")
    monkeypatch.setattr(getattr(scratch, module), name, fault)
    made, examples = squares(tmp_path)
    passed_through(made)
    passed_through(made)
    assert sorted(examples.read) == [1] * kept + [2] * (9 - kept)
    assert said in capsys.readouterr().out


def test_a_folder_that_cannot_be_written_is_no_hindrance(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", Path("/proc")):
        made, examples = squares(folder)
        passed_through(made)
        passed_through(made)
        assert examples.read == [1] * 9


def test_two_at_once_have_a_file_each(tmp_path: Path) -> None:
    rows = [ScratchRows(3, 4, tmp_path) for _ in range(2)]
    for value, each in enumerate(rows):
        assert each.write(1, np.full(4, value, np.uint8))
    for value, each in enumerate(rows):
        row = np.empty(4, np.uint8)
        each.read(1, row)
        assert row.tolist() == [value] * 4


@pytest.fixture
def slow_writes(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Writes that end when they are told to."""
    go_on, write = threading.Event(), os.pwrite

    def slow(*arguments: Any) -> int:
        assert go_on.wait(20)
        return write(*arguments)

    monkeypatch.setattr(os, "pwrite", slow)
    yield go_on
    go_on.set()


def test_what_is_being_written_is_not_read(
    tmp_path: Path, slow_writes: threading.Event
) -> None:
    made, examples = squares(tmp_path)
    one = np.array([3])
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(made._keep, one, EXPECTED[3:4], np.array([3]))
        _, labels, missing = made._look_up(one)
        assert labels.tolist() == [-1]
        assert missing.tolist() == [examples[3]]
        slow_writes.set()
        writing.result()
    found, labels, missing = made._look_up(one)
    np.testing.assert_array_equal(found, EXPECTED[3:4])
    assert (labels.tolist(), missing.tolist()) == ([3], [])


@pytest.mark.parametrize(("height", "width"), [(12, 12), (12, 40), (40, 12), (5, 7)])
def test_a_square_of_the_right_size_is_what_resizing_makes_of_it(
    height: int, width: int
) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    shorter = min(height, width)
    middle = tf.image.resize_with_crop_or_pad(picture, shorter, shorter)
    resized = tf.round(tf.image.resize(middle, (12, 12), antialias=True))
    np.testing.assert_array_equal(
        squared(picture, 12), tf.clip_by_value(resized, 0, 255)
    )
