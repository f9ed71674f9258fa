"""Whatever lies in a folder of pictures is found, or named with a reason."""

import os
import socket
import unicodedata
from pathlib import Path

import pytest

from fruits.errors import DataError
from fruits.found import Found, find_photos
from fruits.readable import label_of, readable
from fruits.splits import find_splits
from tests.examples.nobody import as_nobody
from tests.examples.picture_folders import fill, picture
from tests.once import once

pytestmark = once


def found(root: Path) -> Found:
    return find_photos(root, find_splits(root, {}), validation_share=0.2, seed=0)


def left_out(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): reason
        for path, reason in found(root).left_out
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "in", "a*3", "b*3")
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("file", "name", "reason"),
    [
        ("a/notes.txt", None, "not a picture"),
        ("a/deep/boxes.xml", None, "not a picture"),
        ("labels.csv", None, "not a picture"),
        ("loose.jpg", None, "beside the folders"),
        ("a/x.CR2", None, "raw file"),
        ("a/x.svg", None, "can't be read"),
        ("a/.hidden.jpg", None, "hidden"),
        (".c/0.jpg", ".c", "hidden"),
        ("a/.d/0.jpg", "a/.d", "hidden"),
        ("c/", "c", "a class with no picture"),
        ("c/x.txt", "c", "a class with no picture"),
        ("c/d/e/", "c", "a class with no picture"),
        ("a/gone.jpg->/nowhere/x.jpg", "a/gone.jpg", "leads nowhere"),
        ("a/self.jpg->self.jpg", "a/self.jpg", "leads nowhere"),
        ("c->/nowhere", "c", "leads nowhere"),
        ("a/loop->.", "a/loop", "a folder that holds it"),
        ("a/up->../..", "a/up", "a folder that holds it"),
        ("c->.", "c", "a folder that holds it"),
        ("c->/", "c", "a folder that holds it"),
        ("a/a-again->zz", "a/a-again", "leads nowhere"),
    ],
)
def test_what_is_left_out_is_named(
    file: str, name: str | None, reason: str, root: Path
) -> None:
    fill(root, file)
    here = left_out(root)
    assert (name or file) in here
    assert reason in here[name or file]


def test_an_empty_file_is_left_out(root: Path) -> None:
    (root / "a" / "x.jpg").write_bytes(b"")
    assert left_out(root) == {"a/x.jpg": "it is empty"}


@pytest.mark.parametrize(
    "file",
    [
        *("Thumbs.db", "desktop.ini", ".DS_Store", "a/._0.jpg", "a/Thumbs.DB"),
        *("__MACOSX/a/._0.jpg", "__MACOSX/b.jpg", "@eaDir/0.jpg", "a/@eaDir/0.jpg"),
        *(
            ".ipynb_checkpoints/0.jpg",
            "$RECYCLE.BIN/0.jpg",
            "lost+found/",
            ".git/0.jpg",
        ),
        *("System Volume Information/x.jpg", ".Trash-1000/0.jpg", "a/.nomedia"),
    ],
)
def test_what_systems_leave_behind_is_no_class_and_not_worth_a_word(
    file: str, root: Path
) -> None:
    fill(root, file)
    here = found(root)
    assert {photo.label for photo in here.photos["train"]} == {"a", "b"}
    assert sum(map(len, here.photos.values())) == 6
    assert not here.left_out
    assert not here.notes


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["run.json", "history.csv", "picture.png"], "it is the folder of a run"),
        (["run.json", "history.csv", "train/"], "it is the folder of a run"),
        (
            ["comparison.json", "comparison.csv", "comparison.png"],
            "it is the folder of a comparison",
        ),
        (
            ["dataset_info.json", "features.json", "image.png"],
            "it is a prepared data set",
        ),
        (["turn.lock", "x.png"], "it is of a study"),
        # Of somebody else.
        (["run.json", "picture.png"], None),
        (["history.csv", "picture.png"], None),
    ],
)
@pytest.mark.parametrize("where", ["r", "old/r", "old/er/r", "a/r"])
def test_results_of_before_are_no_class(
    files: list[str], expected: str | None, where: str, root: Path
) -> None:
    fill(root, *(f"{where}/{name}" for name in files))
    here = found(root)
    labels = {photo.label for photo in here.photos["train"]}
    assert labels == {"a", "b"} | (set() if expected else {where.split("/")[0]})
    reasons = [reason for path, reason in here.left_out if path == root / where]
    assert reasons == ([expected] if expected else [])
    if expected:
        assert sum(map(len, here.photos.values())) == 6
    if where == "r":
        assert not here.notes


def test_results_of_before_are_no_split(tmp_path: Path) -> None:
    fill(tmp_path, "train/a*2", "train/b*2", "r/run.json", "r/history.csv", "r/p.png")
    assert left_out(tmp_path) == {"r": "it is the folder of a run"}


def test_the_picture_of_a_study_beside_results_is_no_class(root: Path) -> None:
    fill(root, "old/sweep_gamma.png", "old/sweep_gamma.db", "old/1/turn.lock")
    fill(root, "b/sweep_1.png")
    here = left_out(root)
    assert here["old/sweep_gamma.png"] == "it is the picture of a study"
    assert here["old"] == "it is a class with no picture to read"
    assert sum(map(len, found(root).photos.values())) == 7


def test_pictures_whose_folders_are_in_their_names_are_named(root: Path) -> None:
    fill(root, "train\\c\\0.jpg", "train\\c\\1.txt")
    here = left_out(root)
    assert "backslashes in the place of folders" in here["train\\c\\0.jpg"]
    assert here["train\\c\\1.txt"] == "it is not a picture"


def test_classes_that_differ_by_capitals_are_noted(root: Path) -> None:
    fill(root, "A*2", "c*2")
    assert found(root).notes == ["A, a are classes of their own, by capitals"]


def test_pipes_and_sockets_are_not_opened(root: Path) -> None:
    os.mkfifo(root / "a" / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        os.chdir(root / "a")  # Their names are short.
        try:
            end.bind("end.jpg")
        finally:
            os.chdir(here)
    reason = "it is neither a file nor a folder"
    assert left_out(root) == {"a/pipe.jpg": reason, "a/end.jpg": reason}


def test_links_are_followed_and_end(root: Path, tmp_path: Path) -> None:
    fill(tmp_path, "elsewhere/c*2", "in/c->../elsewhere/c", "in/a/l.jpg->../b/0.jpg")
    # Two folders with links to each other have infinitely many paths.
    fill(root, "a/x/1.jpg", "a/y/2.jpg", "a/x/to->../y", "a/y/to->../x")
    here = found(root)
    total = sum(map(len, here.photos.values()))
    assert total == 6 + 2 + 1 + 2
    assert {photo.label for photo in here.photos["train"]} == {"a", "b", "c"}
    assert {path.name for path, _ in here.left_out} == {"to"}


@pytest.mark.parametrize(
    "name",
    [
        *(b"\xff\xfe", b"two\nlines", b"tab\t", b"\x1b[31mred", b"%s {} [red]", b"-rf"),
        *("🍎".encode(), "äöü".encode(), b"x" * 251, b" ", b" apple ", b"a\\b"),
        *("👨‍👩‍👧".encode(), b"'\"", b"\xe2\x80\xa8", b"CON"),
    ],
)
def test_names_of_any_bytes(name: bytes, root: Path) -> None:
    folder = root / os.fsdecode(name)
    for number in (1, 2):
        picture(folder / os.fsdecode(b"%d%b.jpg" % (number, name[:5])), number)
    (folder / "x.txt").write_text("text")
    here = found(root)
    labels = {photo.label for photo in here.photos["train"]}
    assert len(labels) == 3
    for label in labels:
        label.encode()
        assert label == label.strip() != ""
        assert len(label.splitlines()) == 1
    assert [readable(path.name) for path, _ in here.left_out] == ["x.txt"]


def test_letters_of_two_marks_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    fill(tmp_path, f"train/{composed}*2", "train/b*2", f"val/{decomposed}*1")
    here = found(tmp_path)
    assert {photo.label for photo in here.photos["validation"]} == {composed}
    assert not here.notes
    fill(tmp_path, f"train/{decomposed}*2")
    assert "are the class é" in found(tmp_path).notes[0]


def test_readable_names_are_told_apart() -> None:
    names = ["a", "a\n", "a\udcff", "a\udcfe", "A", "a\x1b"]
    assert len({readable(name) for name in names}) == len(names)
    assert readable("a\udcff\n") == "a\\xff\\n"
    assert label_of(Path("x/  ")) == "'  '"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become nobody")
def test_what_may_not_be_opened_is_left_out(root: Path, tmp_path: Path) -> None:
    fill(root, "c*2", "a/deep/0.jpg")
    os.chmod(root / "c", 0)
    os.chmod(root / "a" / "deep", 0)
    with as_nobody(tmp_path):
        here = left_out(root)
    assert here["a/deep"] == "it can't be opened: Permission denied"
    assert "c" in here


@pytest.mark.parametrize("share", [0.001, 0.2, 0.6, 0.999])
def test_no_class_goes_to_validation_with_all_of_it(
    share: float, tmp_path: Path
) -> None:
    fill(tmp_path, "a*5", "b*2", "c*1")
    here = find_photos(
        tmp_path, find_splits(tmp_path, {}), validation_share=share, seed=0
    )
    train = [photo.label for photo in here.photos["train"]]
    assert set(train) == {"a", "b", "c"}
    assert {photo.label for photo in here.photos["validation"]} == {"a", "b"}


def test_most_of_what_was_left_out_is_named_as_the_reason(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.cr2", "a/2.cr2", "b/1.cr2", "b/x.txt")
    with pytest.raises(DataError, match="left out is 1.cr2 and 2 more: .*raw file"):
        found(tmp_path)
