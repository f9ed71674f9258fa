"""Splits are told from classes by what is in them, and doubts are spoken out.

A split that is taken for a class is a classifier of splits that looks like a result.
"""

import re
from pathlib import Path

import pytest

from fruits.errors import DataError
from fruits.found import Found, find_photos
from fruits.splits import find_splits
from tests.examples.picture_folders import fill
from tests.once import once

pytestmark = once


def found(root: Path, **named: str) -> Found:
    return find_photos(root, find_splits(root, named), validation_share=0.2, seed=0)


def classes(found: Found) -> dict[str, str]:
    """The classes of each split, in one word each."""
    return {
        split: " ".join(sorted({photo.label for photo in photos}))
        for split, photos in sorted(found.photos.items())
    }


FLAT = {"train", "validation"}
AMBIGUOUS = "which may be splits or classes"
CASES: dict[str, tuple[list[str], set[str], str]] = {
    "flat": (["a*3", "b*3"], FLAT, "a b"),
    "train and test": (
        ["train/a*2", "train/b*2", "test/a*1", "test/b*1"],
        FLAT | {"test"},
        "a b",
    ),
    "in capitals": (
        ["Training/a*2", "Training/b*2", "TEST/a*1", "Test/b*1"][:3],
        FLAT | {"test"},
        "a b",
    ),
    "dev and testing": (
        ["TRAIN/a*2", "TRAIN/b*2", "Dev/a*1", "testing/a*1"],
        FLAT | {"test"},
        "a b",
    ),
    "only train": (["train/a*2", "train/b*2"], FLAT, "a b"),
    "what systems and people leave beside it": (
        [
            *("train/a*2", "train/b*2", "README.md", ".DS_Store", "docs/"),
            *("__MACOSX/train/a/._0.jpg", ".git/x.jpg", "@eaDir/a/0.jpg"),
            *("train/$RECYCLE.BIN/0.jpg", "train/lost+found/", "train/.svn/0.jpg"),
            *("train/a/.ipynb_checkpoints/0.jpg", "train/b/@eaDir/0.jpg"),
        ],
        FLAT,
        "a b",
    ),
    "pictures without labels beside it": (
        ["train/a*2", "train/b*2", "test*3"],
        FLAT,
        "a b",
    ),
    "an empty split": (["train/a*2", "train/b*2", "val/", "test/a/"], FLAT, "a b"),
    "a folder beside two splits": (
        ["Training/a*2", "Training/b*2", "Test/a*1", "several*3", "papers/x.txt"],
        FLAT | {"test"},
        "a b",
    ),
    "a class called train": (["bus*3", "car*3", "train*3"], FLAT, "bus car train"),
    "a class called test": (["blank*3", "test*3"], FLAT, "blank test"),
    "nested classes, one called train": (
        ["car/sedan*3", "car/suv*1", "train/steam*2", "train/diesel*2"],
        FLAT,
        "car train",
    ),
    "a class called train with one folder in it": (
        ["bus*3", "car*3", "train/steam*3"],
        FLAT,
        "bus car train",
    ),
    "nested classes": (["a/x/y*3", "b/z*3"], FLAT, "a b"),
    "a folder around all": (["photos/a*3", "photos/b*3"], FLAT, "a b"),
    "two folders around splits": (
        ["photos/photos/train/a*2", "photos/photos/train/b*2", "photos/x.txt"],
        FLAT,
        "a b",
    ),
    "a folder in each split": (
        ["train/train/a*2", "train/train/b*2", "test/test/a*1"],
        FLAT | {"test"},
        "a b",
    ),
    "linked splits": (
        [
            "all/1/a*2",
            "all/1/b*2",
            "all/2/a*1",
            "in/train->../all/1",
            "in/test->../all/2",
        ],
        FLAT | {"test"},
        "a b",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_splits_and_classes_are_found(case: str, tmp_path: Path) -> None:
    files, splits, names = CASES[case]
    fill(tmp_path, *files)
    root = tmp_path / "in" if case == "linked splits" else tmp_path
    here = found(root)
    assert set(here.photos) == splits
    assert classes(here)["train"] == names


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "found 0"),
        (["a/", "b/x.txt"], "found 0"),
        (["a*3"], "found 1: a"),
        (["x.jpg", "y.jpg"], "found 0.*beside the folders"),
        (["photos/a*3"], "found 1"),
        (["train*3", "test*3"], "a folder for each class"),
        (["train*3"], "a folder for each class"),
        (["test/a*3", "test/b*3"], "no folder for the train split"),
        (["val/a*3", "Test/a*3"], "no folder for the train split"),
        (["train/a*3", "val/a*1", "other*3", "train/b*2", "val/b*1"], None),
        (["train/a*3", "train/b*3", "others*3"], AMBIGUOUS),
        (["train*3", "test*3", "car*3"], AMBIGUOUS),
        (["train/x*3", "train/y*2", "test/z*3", "car/sedan*3"], AMBIGUOUS),
        (["a*3", "b*3", "test/a*1", "test/b*1"], AMBIGUOUS),
        (["train/a*2", "train/b*2", "val/a*1", "valid/a*1"], "two folders for the"),
        (["train/a*2", "train/b*2", "Train/a*1"], "two folders for the train"),
        (["seg_train/a*2", "seg_train/b*2", "seg_test/a*1"], "look like splits"),
        (["train_set/a*2", "valset/a*1", "test-set/b*1"], "look like splits"),
        (["train/a*2", "train/b*2", "val/a*1", "val/c*1"], "validation split.*: c$"),
        (["train/a*2", "train/b*2", "train/c/", "test/c*1"], "test split.*: c$"),
        (["train/a*2", "train/b*2", "train/c/x.heic", "test/c*1"], "test split.*: c"),
        (["train/a*2", "test/a*2"], "found 1: a"),
        (["a*1", "b*1", "c*1"], "one picture in each class"),
        (["train\\a\\0.jpg", "train\\b\\0.jpg"], "found 0.* and 1 more.*backslashes"),
        (["0.jpg", "1.jpg", "labels.csv"], "no labels are read from labels.csv"),
        (["all/0.jpg", "all/1.jpg", "train.CSV"], "no labels are read from train.CSV"),
        (
            ["train/Apple*2", "train/Lime*2", "test/apple*2"],
            r"no picture to read: apple \(did you mean Apple\?\)",
        ),
    ],
    ids=lambda value: None if value is None else str(value)[:60],
)
def test_what_is_no_data_set_is_refused_in_one_sentence(
    files: list[str], message: str | None, tmp_path: Path
) -> None:
    fill(tmp_path, *files)
    if message is None:
        found(tmp_path)
        return
    with pytest.raises(DataError, match=f"^data.path: .*{message}") as raised:
        found(tmp_path)
    assert "\n" not in str(raised.value)
    if message == AMBIGUOUS:
        assert "data.split_folders" in str(raised.value)


@pytest.mark.parametrize(
    ("named", "splits", "names"),
    [
        ({"train": "x", "validation": "y", "test": "z"}, FLAT | {"test"}, "a b"),
        ({"train": "x"}, FLAT, "a b"),
        ({"train": "deep/er", "test": "x"}, FLAT | {"test"}, "a b"),
        ({"train": "."}, FLAT, "deep x y z"),
        ({"train": "x/"}, FLAT, "a b"),
    ],
)
def test_splits_can_be_named(
    named: dict[str, str], splits: set[str], names: str, tmp_path: Path
) -> None:
    fill(tmp_path, "x/a*2", "x/b*2", "y/a*1", "z/a*1", "deep/er/a*2", "deep/er/b*2")
    here = found(tmp_path, **named)
    assert (set(here.photos), classes(here)["train"]) == (splits, names)
    if named == {"train": "x"}:
        left_out = {path.name for path, _ in here.left_out}
        assert {"y", "z", "deep"} <= left_out


def test_classes_may_lie_beside_a_split_that_is_named(tmp_path: Path) -> None:
    fill(tmp_path, "a*3", "b*3", "held/a*1", "held/b*1")
    assert classes(found(tmp_path, train=".", test="held")) == {
        "train": "a b",
        "validation": "a b",
        "test": "a b",
    }


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ({"train": "no"}, "data.split_folders.train: .* has no folder 'no'"),
        ({"train": ""}, "data.split_folders.train: .* has no folder ''"),
        ({"train": "x", "test": "x"}, "data.split_folders.test: .*train too"),
        ({"train": "x", "test": "linked"}, "data.split_folders.test: .*train too"),
        ({"test": "x"}, "data.split_folders.train: it must be named"),
        ({"train": "x/a"}, "found 0"),
        ({"train": "x", "test": "empty"}, "no picture to read in its test split"),
    ],
)
def test_named_folders_that_are_no_splits_are_refused(
    named: dict[str, str], message: str, tmp_path: Path
) -> None:
    fill(tmp_path, "x/a*2", "x/b*2", "empty/", "linked->x")
    with pytest.raises(DataError, match=message):
        found(tmp_path, **named)


def test_folders_with_the_same_folders_are_doubted(tmp_path: Path) -> None:
    fill(tmp_path, "one/a*2", "one/b*2", "two/a*2", "two/b*2")
    (note,) = found(tmp_path).notes
    assert re.search("called a, b.*data.split_folders", note)


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    fill(tmp_path, "in/bus*3", "in/car*3", "in/train*3", "in/none/")
    notes = "; ".join(found(tmp_path).notes)
    assert "the classes were found in in" in notes
    assert "train is taken for a class" in notes
    assert "no picture to read: none" in notes
