"""Folders of runs: which one is gone on with, and which is left alone."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import train_fruits
from fruits.errors import RefusedError
from fruits.opening import check_chosen, open_folder
from fruits.run_folder import UNFINISHED, RunFolder
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


def test_the_results_of_a_damaged_run_are_set_aside_when_it_begins_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They would be taken for those of the run that begins."""
    results = ("best.keras", "history.csv", "summary.json", "picture.png", "notes.txt")
    for number in (1, 2):
        folder = open_folder("run", tmp_path, None, MADE_OF)
        for name in (*results, "checkpoint.npz", "train/events.out.tfevents.1"):
            (folder.path / name).parent.mkdir(exist_ok=True)
            (folder.path / name).write_bytes(b"old")
        assert folder.load() is None
        aside = folder.path / f"damaged-{number}"
        said = (
            f"checkpoint.npz is damaged: .*begins anew; what it had left is in {aside}"
        )
        assert re.search(said, capsys.readouterr().out)
        left = {path.name for path in folder.path.iterdir()} - {".lock", "run.json"}
        assert left == {f"damaged-{n}" for n in range(1, number + 1)}
        assert (aside / "train" / "events.out.tfevents.1").read_bytes() == b"old"
        assert {*results, "checkpoint.npz"} <= {path.name for path in aside.iterdir()}
        assert (folder.state, folder.load()) == (UNFINISHED, None)
        folder.release()


def test_a_place_of_what_was_set_aside_is_found_though_one_is_gone(
    tmp_path: Path,
) -> None:
    folder = open_folder("run", tmp_path, None, MADE_OF)
    (folder.path / "damaged-2").mkdir()
    for number in (1, 3):
        (folder.path / "checkpoint.npz").write_bytes(b"old")
        assert folder.load() is None
        assert (folder.path / f"damaged-{number}" / "checkpoint.npz").exists()


@pytest.mark.parametrize(
    ("number", "is_damaged"), [(errno.EIO, False), (errno.EINVAL, True)]
)
def test_a_checkpoint_that_cannot_be_read_is_not_damaged(
    number: int, is_damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of a network may be back in a minute, and the run goes on."""
    folder = open_folder("run", tmp_path, None, MADE_OF)
    file = folder.path / "checkpoint.npz"
    file.write_bytes(b"trained")

    def unreadable(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("numpy.load", unreadable)
    if is_damaged:
        assert folder.load() is None
        return
    with pytest.raises(OSError, match="Input/output error") as raised:
        folder.load()
    assert raised.value.filename == str(file)
    assert file.read_bytes() == b"trained"


def test_what_is_set_aside_is_so_though_the_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_folder("run", tmp_path, None, MADE_OF)
    for name in ("checkpoint.npz", "best.keras", "history.csv"):
        (folder.path / name).write_bytes(b"old")
    rename = Path.rename
    renamed: list[Path] = []

    def killed(self: Path, target: Path) -> Path:
        if len(renamed) == 1:
            raise KeyboardInterrupt
        renamed.append(target)
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.load()
    assert folder.load() is None
    assert {"best.keras", "history.csv"}.isdisjoint(
        path.name for path in folder.path.iterdir()
    )


def test_a_best_model_that_no_checkpoint_knows_of_does_not_stay(tmp_path: Path) -> None:
    """The process was killed between the two, in its first epoch."""
    folder = open_folder("run", tmp_path, None, MADE_OF)
    (folder.path / "best.keras").write_bytes(b"old")
    assert folder.load() is None
    assert not (folder.path / "best.keras").exists()


def test_what_was_trained_is_not_thrown_away_with_its_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody has tidied up large files, or copied a folder in part."""
    folder = open_folder("run", tmp_path, None, MADE_OF)
    (folder.path / "best.keras").write_bytes(b"hours")
    (folder.path / "history.csv").write_text("epoch,loss\n0,2.0\n1,1.0\n")
    assert folder.load() is None
    assert not (folder.path / "best.keras").exists()
    assert (folder.path / "damaged-1" / "best.keras").read_bytes() == b"hours"
    assert "checkpoint.npz is missing" in capsys.readouterr().out


def finished(chosen: Path) -> None:
    folder = open_folder("run", chosen.parent, chosen, MADE_OF)
    folder.end("finished")
    folder.release()


def in_use(chosen: Path) -> None:
    IN_USE.append(open_folder("run", chosen.parent, chosen, MADE_OF))


def with_files(chosen: Path) -> None:
    chosen.mkdir()
    (chosen / "notes.txt").touch()


def damaged(chosen: Path) -> None:
    chosen.mkdir()
    (chosen / "run.json").touch()


# Held until the end, as a lock is released when nobody has it any longer.
IN_USE: list[RunFolder] = []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (finished, "has a run that is finished; choose"),
        (in_use, "is in use by another process"),
        (with_files, "has files, but none of a run; choose"),
        (damaged, "has a damaged run.json; delete"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_before_the_data_are_prepared(
    make: Callable[[Path], None],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That may take an hour."""
    chosen = tmp_path / "chosen"
    make(chosen)
    before = sorted(chosen.iterdir())

    def prepared(config: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("fruits.data.FruitData", prepared)
    arguments = [f"--folder={chosen}", f"--training.runs_dir={tmp_path}"]
    monkeypatch.setattr("sys.argv", ["train_fruits.py", *arguments])
    with pytest.raises(RefusedError, match=f"^--folder: {chosen} {says}"):
        train_fruits.main()
    if make in (with_files, finished):
        assert sorted(chosen.iterdir()) == before


def test_a_chosen_folder_whose_run_was_killed_as_it_began_is_used(
    tmp_path: Path,
) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".partial.run.json").write_text("{")
    check_chosen(tmp_path)
    open_folder("run", tmp_path, tmp_path, MADE_OF).release()
    assert not (tmp_path / ".partial.run.json").exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_can_be_used_is_as_it_was(is_there: bool, tmp_path: Path) -> None:
    """The data may yet be refused."""
    chosen = tmp_path / "chosen"
    if is_there:
        folder = open_folder("run", tmp_path, chosen, MADE_OF)
        folder.release()
    check_chosen(chosen)
    assert chosen.exists() is is_there
    open_folder("run", tmp_path, chosen, MADE_OF).release()
    with pytest.raises(RefusedError, match="another name; choose a new folder"):
        open_folder("run", tmp_path, chosen, {**MADE_OF, "name": "other"})


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
