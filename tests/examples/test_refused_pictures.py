"""Nothing is left of what is refused, and that is said in a sentence."""

import errno
import io
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from fruits import images, photos, progress
from fruits.data import FruitData
from fruits.errors import DataError
from tests.examples.picture_folders import break_pictures, config, fill, tree
from tests.once import once

pytestmark = [once, pytest.mark.usefixtures("here")]


SPLITS = ("train/a*2", "train/b*2", "val/a*1", "test/a*1")


@pytest.mark.parametrize(
    ("files", "broken", "message"),
    [
        (["a*1", "b*1"], [], "one picture in each class"),
        (["a*3", "b/"], [], "found 1: a"),
        (["a*3"], [], "found 1: a"),
        ([], [], "found 0"),
        (["a*3", "b*3"], ["*/*"], "train split of photos are broken"),
        (["a*3", "b*3"], ["b/*"], "at least two classes to train on, found 1: a"),
        (SPLITS, ["train/*/*"], "train split of photos are broken.*train/a/0.jpg: it"),
        (SPLITS, ["val/*/*"], "validation split of photos are broken"),
        (SPLITS, ["test/*/*"], "test split of photos are broken"),
        (SPLITS, ["train/a/*"], "found 1: b"),
        (
            (*SPLITS, "train/c*2"),
            ["train/a/*"],
            "train on a are broken, and its validation split has others",
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_nothing_is_left_of_what_is_refused(
    files: list[str], broken: list[str], message: str, here: Path
) -> None:
    (here / "photos").mkdir()
    fill(here / "photos", *files)
    break_pictures(*broken)
    before = tree(here)
    with pytest.raises(DataError, match=message) as raised:
        FruitData(config(cache_dir="deep/er/cache"))
    assert str(raised.value).startswith("data.path: ")
    assert "\n" not in str(raised.value)
    assert tree(here) == before
    (here / "cache").mkdir()
    (here / "cache" / "of somebody").touch()
    with pytest.raises(DataError, match=message):
        FruitData(config(cache_dir="cache"))
    assert tree(here) == before | {"cache", "cache/of somebody"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "data.path: missing does not exist"),
        ("photos.zip", "data.path: photos.zip is not a folder: unpack it"),
        ("photos.tar", "data.path: photos.tar is not a folder: unpack it"),
        ("notes.txt", "data.path: notes.txt is not a folder$"),
        ("notes.txt/deep", "data.path: notes.txt/deep can't be opened: Not a dir"),
        (None, "data.path: it must name a folder"),
        ("x" * 300, "can't be opened: File name too long"),
    ],
)
def test_what_is_no_folder_is_refused(
    path: str | None, message: str, here: Path
) -> None:
    (here / "photos").mkdir()
    (here / "notes.txt").write_text("text")
    shutil.make_archive("photos", "zip", "photos")
    shutil.make_archive("photos", "tar", "photos")
    before = tree(here)
    with pytest.raises(DataError, match=message):
        FruitData(config(path=path))
    assert tree(here) == before


@pytest.mark.parametrize(
    "cache", ["/proc/none/x", "notes.txt", "notes.txt/x", "/dev/null", "x" * 300]
)
def test_a_cache_that_cannot_be_written_is_named(cache: str, here: Path) -> None:
    fill(here / "photos", "a*3", "b*3")
    (here / "notes.txt").write_text("text")
    before = tree(here)
    with pytest.raises(DataError, match=f"^data.cache_dir: .*{re.escape(cache)}"):
        FruitData(config(cache_dir=cache))
    assert tree(here) == before


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        tf.errors.ResourceExhaustedError(None, None, "x; No space left on device"),
    ],
    ids=["Python", "TensorFlow"],
)
@pytest.mark.parametrize("when", ["write", "finalize"])
def test_a_full_disk_is_said_and_nothing_is_left(
    error: Exception, when: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorflow_datasets.core import writer

    fill(here / "photos", "a*3", "b*3")
    before = tree(here)

    def full(*_: Any) -> None:
        raise error

    monkeypatch.setattr(writer.Writer, when, full)
    with pytest.raises(DataError, match="^data.cache_dir: .*No space left") as raised:
        FruitData(config())
    assert "\n" not in str(raised.value)
    assert tree(here) == before


@pytest.mark.parametrize("gone", ["photos/b/3.png", "photos/b", "photos"])
def test_what_goes_while_it_is_prepared_is_not_kept_as_broken(
    gone: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here / "photos", *(f"{name}/{i}.png" for name in "ab" for i in range(6)))
    started = threading.Event()

    def late(path: Path, **options: Any) -> bytes:
        if not started.is_set():
            started.set()
            shutil.move(gone, "elsewhere")
        return images.jpeg(path, **options)

    monkeypatch.setattr(photos, "jpeg", late)
    with pytest.raises(DataError, match="has gone since it was found; the pictures"):
        FruitData(config())
    assert not (here / "data").exists()
    shutil.move("elsewhere", gone)
    assert sum(FruitData(config()).counts.values()) == 12


def test_a_disk_with_too_little_room_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here / "photos", "a*3", "b*3")
    monkeypatch.setattr(
        "tensorflow_datasets.core.utils.has_sufficient_disk_space", lambda *_, **__: 0
    )
    with pytest.raises(
        DataError, match="can't be prepared in .*: Not enough disk space$"
    ):
        FruitData(config())


@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_who_is_gone_is_no_fault_of_the_cache(
    lines: int, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pipe(io.StringIO):
        def flush(self) -> None:
            if self.getvalue().count("\n") > lines:
                raise BrokenPipeError

    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    fill(here / "photos", "a*3", "b*3")
    before = tree(here)
    monkeypatch.setattr("sys.stdout", Pipe())
    with pytest.raises(BrokenPipeError):
        FruitData(config())
    assert tree(here) == before
