"""Folders of runs: which one is gone on with, and which is left alone."""

from pathlib import Path
from typing import Any

import pytest

import train_fruits
from fruits.errors import RefusedError
from fruits.run_folder import RunFolder, open_folder
from tests.once import once

pytestmark = once
MADE_OF = {"name": "run", "configuration": {"training": {"epochs": 3}}}
DAMAGED = {
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe",
    "empty": b"",
    "a number": b"3",
    "a list": b"[]",
    "no state": b'{"made_of": {}}',
    "no made_of": b'{"state": "unfinished"}',
    "made of nothing": b'{"state": "unfinished", "made_of": null}',
    "made of words": b'{"state": "unfinished", "made_of": "words"}',
}


def interrupted(runs: Path, made_of: dict[str, Any] = MADE_OF) -> RunFolder:
    folder = open_folder("run", runs, None, made_of)
    folder.release()
    return folder


def test_the_same_run_goes_on_and_a_finished_one_does_not(tmp_path: Path) -> None:
    first = interrupted(tmp_path)
    second = open_folder("run", tmp_path, None, MADE_OF)
    assert second.path == first.path
    second.end("finished")
    second.release()
    assert interrupted(tmp_path).path != first.path


def test_an_interrupted_run_of_something_else_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = interrupted(tmp_path)
    assert capsys.readouterr().out == ""
    longer = {**MADE_OF, "configuration": {"training": {"epochs": 4}}}
    assert interrupted(tmp_path, longer).path != first.path
    expected = f"{first.path} was interrupted and has another "
    assert expected + "configuration.training.epochs" in capsys.readouterr().out
    # Of two that were interrupted, the one that goes on is enough.
    assert interrupted(tmp_path).path == first.path
    assert capsys.readouterr().out == ""


def test_what_a_killed_process_left_is_deleted_when_its_run_goes_on(
    tmp_path: Path,
) -> None:
    first = interrupted(tmp_path)
    left = first.path / ".partial.best.keras"
    left.write_bytes(b"half")
    interrupted(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_run_is_left_alone(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = interrupted(tmp_path)
    (first.path / "run.json").write_bytes(content)
    assert interrupted(tmp_path).path != first.path
    assert f"{first.path / 'run.json'} is damaged" in capsys.readouterr().out
    with pytest.raises(RefusedError, match="has a damaged run.json"):
        open_folder("run", tmp_path, first.path, MADE_OF)


def test_a_run_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    first = interrupted(tmp_path)
    (first.path / "run.json").unlink()
    (first.path / "run.json").mkdir()
    assert interrupted(tmp_path).path != first.path


@pytest.mark.parametrize(
    ("folder", "is_refused"),
    [
        ("photos/run", True),
        ("photos", True),
        ("elsewhere/../photos/run", True),
        ("link/run", True),
        ("photos/runs/run", False),
        ("run", False),
    ],
)
def test_a_run_among_its_pictures_is_refused(
    folder: str, is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run would take its results for pictures of a class."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "elsewhere"):
        Path(name).mkdir()
    Path("link").symlink_to("photos")
    words = ["--data.source", "folder", "--data.path", "photos", "--folder", folder]
    words += ["--training.runs_dir", "photos/runs"]
    monkeypatch.setattr("sys.argv", ["train_fruits.py", *words])

    def next_step() -> None:
        raise AssertionError

    monkeypatch.setattr(train_fruits, "import_keras", next_step)
    error = RefusedError if is_refused else AssertionError
    with pytest.raises(error, match="among the pictures" if is_refused else None):
        train_fruits.main()
