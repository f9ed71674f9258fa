"""Prepared data sets: whole or made anew, and what is said of them."""

import errno
import json
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fruits import images, photos, progress
from fruits.config import Config
from fruits.data import FruitData
from fruits.data_report import write_left_out
from fruits.errors import DataError
from fruits.folder import FolderPictures
from fruits.prepared import prepare
from tests.examples.nobody import as_nobody
from tests.examples.picture_folders import (
    HALF,
    break_pictures,
    config,
    fill,
    picture,
    tree,
)
from tests.once import once

pytestmark = [once, pytest.mark.usefixtures("here")]


def pictures(data: FruitData) -> list[bytes]:
    return [
        batch[0].tobytes() + batch[1].tobytes()
        for batches in data.evaluation().values()
        for batch in batches.as_numpy_iterator()
    ]


def records(path: str = "photos", cache_dir: str = "data") -> dict[str, bytes]:
    """The files with the pictures of a data set, prepared or found prepared."""
    builder = FolderPictures(path, cache_dir)
    prepare(builder)
    assert sum(split.num_examples for split in builder.info.splits.values()) == 12
    folder = Path(builder.data_path)
    return {file.name: file.read_bytes() for file in folder.glob("*.tfrecord*")}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The folder of photos and their prepared data set, and its records."""
    root = tmp_path_factory.mktemp("original")
    fill(root / "photos", "a*6", "b*6")
    return root, records(str(root / "photos"), str(root / "data"))


@pytest.fixture
def whole(
    original: tuple[Path, dict[str, bytes]], here: Path
) -> tuple[Path, dict[str, bytes]]:
    """The folder of a prepared data set, and its records."""
    root, found = original
    (here / "photos").symlink_to(root / "photos")
    shutil.copytree(root / "data", here / "data")
    (manifest,) = here.rglob("manifest.json")
    return manifest.parent, found


def _replace(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (path,) = folder.glob(name)
        path.write_bytes(change(path.read_bytes()))

    return do


def _remove(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        for path in [*folder.glob(name)]:
            path.unlink()

    return do


def _folder_in_place_of(name: str) -> Callable[[Path], None]:
    def do(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return do


DAMAGES: dict[str, Callable[[Path], None]] = {
    "records are cut": _replace("*-train.*", lambda content: content[:50]),
    "records are empty": _replace("*-validation.*", lambda content: b""),
    "records are gone": _remove("*-train.*"),
    "records are replaced": _replace("*-train.*", lambda c: bytes(reversed(c))),
    "one byte is another": _replace("*-train.*", lambda c: c[:-9] + b"?" + c[-8:]),
    "info is cut": _replace("dataset_info.json", lambda content: content[:20]),
    "info is gone": _remove("dataset_info.json"),
    "info is another": _replace("dataset_info.json", lambda c: c.replace(b"9", b"8")),
    "features are garbage": _replace("features.json", lambda content: b"\0\xff"),
    "features are gone": _remove("features.json"),
    "metadata are gone": _remove("metadata.json"),
    "metadata are another": _replace("metadata.json", lambda c: c.replace(b"5", b"6")),
    "labels are gone": _remove("label.labels.txt"),
    "labels are others": _replace("label.labels.txt", lambda c: c[::-1]),
    "manifest is gone": _remove("manifest.json"),
    "manifest is empty": _replace("manifest.json", lambda content: b""),
    "manifest is a list": _replace("manifest.json", lambda content: b"[1, 2]"),
    "manifest is odd": _replace("manifest.json", lambda content: b'{"a": 1}'),
    "manifest names nothing": _replace("manifest.json", lambda content: b"{}"),
    "all files are gone": _remove("*"),
    "a folder is in place of a file": _folder_in_place_of("features.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_data_set_is_made_anew_and_that_is_said(
    damage: str,
    whole: tuple[Path, dict[str, bytes]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, found = whole
    DAMAGES[damage](folder)
    capsys.readouterr()
    assert records() == found
    said = [line for line in capsys.readouterr().out.splitlines() if "anew" in line]
    assert len(said) == 1
    assert str(folder.relative_to(Path.cwd())) in said[0]
    records()
    assert "anew" not in capsys.readouterr().out


def test_a_whole_data_set_is_used_as_it_is(
    whole: tuple[Path, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = whole
    monkeypatch.setattr(photos, "jpeg", None)
    assert records() == found
    # A copy has other times, and the same content.
    for path in folder.iterdir():
        os.utime(path, (1, 1))
    assert records() == found


def test_what_a_killed_process_has_left_is_removed(
    whole: tuple[Path, dict[str, bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, found = whole
    left = folder.parent / "incomplete.ABCDEF_2.0.0"
    shutil.copytree(folder, left)
    shutil.rmtree(folder)
    (folder.parent / "2.0.0.lock").touch()
    assert records() == found
    assert not left.exists()
    assert "anew" in capsys.readouterr().out


def test_an_interrupted_preparation_leaves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here / "photos", "a*6", "b*6")
    before = tree(here)

    def interrupt(*_: Any) -> Iterator[bytes]:
        yield b"a"
        raise KeyboardInterrupt

    monkeypatch.setattr(photos, "whole_jpegs", interrupt)
    with pytest.raises(KeyboardInterrupt):
        FruitData(config())
    assert tree(here) == before


@pytest.fixture
def nobody(tmp_path: Path, original: tuple[Path, dict[str, bytes]]) -> Iterator[None]:
    """This process may write only what anybody may."""
    if os.getuid() != 0:
        yield
        return
    with as_nobody(tmp_path, original[0]):
        yield


def _read_only(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222 | 0o444)


def test_a_prepared_data_set_that_can_only_be_read_is_enough(
    whole: tuple[Path, dict[str, bytes]], request: pytest.FixtureRequest, here: Path
) -> None:
    _read_only(here / "data")
    request.getfixturevalue("nobody")
    try:
        assert records() == whole[1]
        assert pictures(FruitData(config()))
    finally:
        for path in (here / "data", *(here / "data").rglob("*")):
            if os.geteuid() == path.stat().st_uid:
                path.chmod(0o755)


def test_a_damaged_one_that_can_only_be_read_is_named(
    whole: tuple[Path, dict[str, bytes]], request: pytest.FixtureRequest, here: Path
) -> None:
    (whole[0] / "features.json").unlink()
    _read_only(here / "data")
    request.getfixturevalue("nobody")
    with pytest.raises(DataError, match="data.cache_dir: .*Permission denied"):
        FruitData(config())


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_a_preparation_says_what_really_happens(
    seconds: float,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(progress, "_SECONDS", seconds)
    fill(here / "photos", "a*6", "b*6")
    builder = FolderPictures("photos", "data")
    prepare(builder)
    said = [f"Preparing 12 pictures in {builder.data_path}"]
    if not seconds:
        said += [f"{done} of 12 pictures are prepared" for done in range(1, 13)]
    assert capfd.readouterr() == ("\n".join(said) + "\n", "")
    prepare(FolderPictures("photos", "data"))
    assert capfd.readouterr() == ("", "")


def test_what_changes_the_pictures_is_prepared_apart(here: Path) -> None:
    fill(here / "photos", "a*3", "b*3")

    def folders(**data: Any) -> int:
        FruitData(config(**data))
        return len(list((here / "data" / "folder_pictures").iterdir()))

    assert folders() == 1
    assert folders() == 1
    assert folders(max_megapixels=300) == 2
    assert folders(validation_share=0.6) == 3
    picture(here / "photos" / "a" / "1.jpg", 200)
    assert folders() == 4
    os.utime(here / "photos" / "a" / "1.jpg", (1, 1))
    assert folders() == 5


def test_the_order_is_the_same_however_long_each_picture_takes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [f"{label}/{number}.png" for label in "ab" for number in range(9)]
    fill(here / "photos", *files)
    first = pictures(FruitData(config(cache_dir="one")))
    threads = set()

    def slow(path: Path, **options: Any) -> bytes:
        threads.add(threading.get_ident())
        threading.Event().wait(0.02 if path.stem in "0369" else 0.0)
        return images.jpeg(path, **options)

    monkeypatch.setattr(photos, "jpeg", slow)
    assert pictures(FruitData(config(cache_dir="two"))) == first
    if (os.cpu_count() or 1) > 1:
        assert len(threads) > 1


def test_classes_that_are_lost_have_no_output(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(here / "photos", "a*3", "b*3", "c*3", "d*1", "e/")
    break_pictures("b/*")
    data = FruitData(config())
    assert data.classes == ["a", "c", "d"]
    labels = {
        int(label)
        for _, batch in data.training(0).take(20).as_numpy_iterator()
        for label in batch.argmax(axis=-1)
    }
    assert labels == {0, 1, 2}
    data.report()
    printed = capsys.readouterr().out
    assert "left out, as all its pictures are broken: b." in printed
    assert "no picture to read: e." in printed
    assert "no validation picture of d." in printed


def test_what_is_left_out_is_printed_in_part_and_written_in_full(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(here / "photos", "a*3", "b*30", "[red]c*3", "loose.jpg")
    for number in range(8):
        fill(here / "photos", f"a/{number:02}.xml")
    (here / "photos" / "a" / "half\n.jpg").write_bytes(HALF)
    data = FruitData(config())
    data.report()
    printed = capsys.readouterr().out
    for text in ("[red]c", "few", "28", "a/00.xml", "5 more", "half\\n.jpg", "damaged"):
        assert text in printed
    assert "a/07.xml" not in printed
    data.write_left_out(here)
    lines = (here / "left_out.csv").read_text("utf-8").splitlines()
    assert lines[0] == "file,reason"
    assert len(lines) == 1 + 1 + 8 + 1
    assert "loose.jpg,it lies beside the folders of the classes" in lines


def test_the_file_of_what_is_left_out_is_whole_or_as_it_was(here: Path) -> None:
    class Breaking(list[tuple[str, str]]):
        def __iter__(self) -> Iterator[tuple[str, str]]:
            yield "b.jpg", "it is damaged"
            raise OSError(errno.ENOSPC, "No space left on device")

    write_left_out([("a.jpg", "it is damaged")], here)
    before = (here / "left_out.csv").read_bytes()
    with pytest.raises(OSError, match="No space left"):
        write_left_out(Breaking([("b.jpg", "it is damaged")]), here)
    assert (here / "left_out.csv").read_bytes() == before


def test_nothing_is_written_where_nothing_is_left_out(
    whole: tuple[Path, dict[str, bytes]], here: Path
) -> None:
    FruitData(config()).write_left_out(here)
    assert not (here / "left_out.csv").exists()


def test_pictures_on_both_sides_of_a_split_are_named(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(here / "photos", "train/a*3", "train/b*3")
    for copy in ("test/a/x.jpg", "test/b/y.jpg", "train/b/z.jpg"):
        (here / "photos" / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("photos/train/a/0.jpg", here / "photos" / copy)
    for _ in range(2):  # Prepared, and found prepared.
        FruitData(config(split_folders={"train": "train", "test": "test"})).report()
        printed = capsys.readouterr().out
        assert re.search(r"test pictures that are (train|validation) .* \(2\)", printed)
        assert "in two classes (2)" in printed
        assert "test/a/x.jpg = train/" in printed


def test_results_and_caches_among_the_photos_are_no_classes(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(here / "photos", "a*3", "b*3")
    monkeypatch.chdir(here / "photos")
    for number in range(2):
        data = FruitData(config(path="."))
        assert data.classes == ["a", "b"]
        assert not data.left_out
        fill(here / "photos", f"runs/of/{number}.png")
    assert Path("data").is_dir()


def test_keys_of_the_configuration() -> None:
    data = config(split_folders={"train": "a", "validation": "b"}).data
    assert data.split_folders.model_dump() == {
        "train": "a",
        "validation": "b",
        "test": None,
    }
    assert data.max_megapixels == 200
    assert json.loads(Config().model_dump_json())["data"]["max_megapixels"] == 200
