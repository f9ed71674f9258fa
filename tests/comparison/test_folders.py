"""What lies in a comparison's folder: nothing of anyone's is lost or taken for ours."""

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from keras_momentum import NAG
from keras_momentum.comparison import load_comparison
from keras_momentum.comparison._run_folder import name_of_folder
from tests.comparison.problem import OPTIMIZERS, compared_soon

TWO = {"optimizers": OPTIMIZERS, "seeds": (0, 1), "epochs": 2}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison; not to be changed."""
    made: Path = tmp_path_factory.mktemp("finished")
    compared_soon(made, **TWO)
    return made


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize(
    "name",
    [
        *("comparison.txt", "comparison.csv", "comparison.png", "comparison.json"),
        *("plain/seed-0/notes.txt", "plain/seed-0"),
    ],
)
def test_files_of_others_with_our_names_are_refused_before_anything(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="files of others|is not of `compare`|not a r"):
        compared_soon(tmp_path)
    assert contents(tmp_path) == {name: b"mine"}


@pytest.mark.parametrize(
    "name",
    [
        *("events.out.tfevents.1.mine", "notes.txt", "plain/notes.txt", "other/x.json"),
        *("plain/seed-0/mine.txt", "plain/seed-9/mine.txt", "comparison.txt.old"),
    ],
)
def test_other_files_of_others_stay(name: str, folder: Path) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("mine")
    compared_soon(folder, **{**TWO, "seeds": (0, 1, 2), "target": 0.5})
    assert (folder / name).read_text() == "mine"


def test_a_table_that_was_edited_is_not_overwritten(folder: Path) -> None:
    (folder / "comparison.txt").write_text("my notes on it")
    with pytest.raises(ValueError, match=r"files of others.*comparison\.txt"):
        compared_soon(folder, **TWO)
    assert (folder / "comparison.txt").read_text() == "my notes on it"


def test_there_is_one_overview_for_tensorboard(folder: Path) -> None:
    (before,) = folder.glob("events.out.tfevents.*")
    compared_soon(folder, **TWO)
    (after,) = folder.glob("events.out.tfevents.*")
    assert before.name != after.name
    assert not list(folder.rglob("writing-*"))
    assert not list(folder.rglob("unfinished"))
    assert not list(folder.rglob("checkpoint.npz"))


NAMES = [
    *("NAG [lr=0.1]", "[bold]", ":smile:", "a/b", "..", ".", "0.9", "η → 0.1", "%2F"),
    *(
        "a\\b",
        'a"b',
        "a:b*?<>|",
        "x" * 300,
        "x" * 300 + "y",
        " a ",
        "a\nb",
        "★",
        "$x_1$",
    ),
]


def test_every_name_has_a_folder_of_its_own_and_is_shown(tmp_path: Path) -> None:
    assert len({name_of_folder(name).lower() for name in NAMES}) == len(NAMES)
    optimizers = dict.fromkeys(NAMES, NAG(0.1))
    comparison = compared_soon(tmp_path, optimizers=optimizers)
    assert comparison.names == NAMES
    assert sorted(load_comparison(tmp_path).names) == sorted(NAMES)
    text = "".join(str(comparison).split())
    for name in NAMES[:8]:
        assert "".join(name.split()) in text, name
    outside = [each.name for each in tmp_path.parent.iterdir() if each != tmp_path]
    assert "b" not in outside


def flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    content = json.loads(file.read_text())
    content["run"]["steps"] = content["run"]["steps"][:1]
    file.write_text(json.dumps(content))


def other_seed(file: Path) -> None:
    shutil.copy(file.parent.parent / "seed-1" / file.name, file)


DAMAGES: dict[str, tuple[str, Any]] = {
    "flipped byte in the run": ("run.json", flipped),
    "run cut short": ("run.json", cut),
    "empty run": ("run.json", lambda file: file.write_bytes(b"")),
    "half a run": ("run.json", lambda file: os.truncate(file, 200)),
    "of another seed": ("run.json", other_seed),
    "not text": ("run.json", lambda file: file.write_bytes(b"\xff\xfe")),
    "other json": ("run.json", lambda file: file.write_text("[1]")),
    "flipped byte in the logs": ("train/events*", flipped),
    "logs cut short": ("validation/events*", lambda file: os.truncate(file, 50)),
    "logs missing": ("train/events*", lambda file: file.unlink()),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_named_with_the_remedy(damage: str, folder: Path) -> None:
    pattern, change = DAMAGES[damage]
    (file,) = (folder / "plain" / "seed-0").glob(pattern)
    change(file)
    for read in (load_comparison, lambda folder: compared_soon(folder, **TWO)):
        with pytest.raises(ValueError, match=r"seed-0.*delete this folder, and `compa"):
            read(folder)
    shutil.rmtree(folder / "plain" / "seed-0")
    assert len(compared_soon(folder, **TWO).runs) == 4


def test_a_full_disk_leaves_what_was_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*comparison\.txt"):
        compared_soon(folder, **{**TWO, "target": 0.5})
    after = contents(folder)
    assert {name: after[name] for name in before} == before


def test_the_home_folder_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    compared_soon(Path("~/runs"))
    assert [each.name for each in tmp_path.iterdir()] == ["runs"]
    assert len(load_comparison("~/runs").runs) == 1


@pytest.mark.parametrize("log_dir", ["", " ", 3, None])
def test_what_is_no_folder_is_refused(log_dir: Any) -> None:
    with pytest.raises(ValueError, match="Argument `log_dir` must be a folder"):
        compared_soon(log_dir)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="`log_dir` must be a folder, not a file"):
        compared_soon(tmp_path / "file")
