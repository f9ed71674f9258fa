"""Where studies are kept: what `--storage` may say, and files that are damaged."""

import contextlib
import json
import os
import sqlite3
from pathlib import Path

import optuna
import pytest

from fruits import storage
from fruits.errors import RefusedError
from fruits.storage import Place
from tests.once import once

pytestmark = once


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(storage, "PATIENCE", 0.5)


def study(text: str, trials: int = 2) -> int:
    """Makes or continues a study; returns how many trials it has."""
    place = Place.of(text)
    with place.locked():
        kept = optuna.create_study(
            study_name="a", storage=place.open(), load_if_exists=True
        )
    kept.optimize(lambda trial: trial.suggest_float("gamma", 0, 1), n_trials=trials)
    return len(kept.trials)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("sweep.db", "sweep.db"),
        ("./deep/er/sweep.sqlite3", "deep/er/sweep.sqlite3"),
        ("~/sweep.db", "home/sweep.db"),
        ("a b?c {0} %41 #é.db", "a b?c {0} %41 #é.db"),
        ("sqlite:///sweep.x", "sweep.x"),
        ("sqlite:///~/sweep.db", "home/sweep.db"),
        ("sqlite+pysqlite:///deep/sweep.db", "deep/sweep.db"),
        ("sweep.log", "sweep.log"),
        ("~/deep/sweep.journal", "home/deep/sweep.journal"),
    ],
)
def test_a_file_keeps_its_study(text: str, file: str) -> None:
    assert study(text) == 2
    assert Path(file).stat().st_size > 0
    assert study(text) == 4
    assert study(file) == 6


def test_a_file_is_known_by_what_is_in_it() -> None:
    study("sweep.db")
    Path("sweep.db").rename("sweep.old")
    assert study("sweep.old") == 4
    study("sweep.log")
    Path("sweep.log").rename("other.db")
    assert study("other.db") == 4


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it must be a path"),
        (" ", "it must be a path"),
        (".", "it is not a file"),
        ("folder.db", "it is not a file"),
        ("sweep", "it must end in .db"),
        ("sweep.txt", "it must end in .db"),
        (":memory:", "it must end in .db"),
        ("sqlite://", "it would end with the process"),
        ("sqlite:///", "it would end with the process"),
        ("sqlite:///:memory:", "it would end with the process"),
        ("sqlite://sweep.db", "it would end with the process"),
        ("redis://localhost", "redis is no kind of database known here"),
        ("http://localhost/x.db", "http is no kind of database known here"),
        ("://x", "Could not parse"),
        ("mysql://somebody:secret@nowhere/x", "No module named 'MySQLdb'"),
        ("postgresql+psycopg2://nowhere/x", "No module named 'psycopg2'"),
        ("C:\\sweeps\\sweep.db", "it is a path of Windows"),
        ("sqlite:///C:\\sweep.db", "it is a path of Windows"),
        ("~nobody-is-so/sweep.db", "there is no such user"),
        ("/dev/null", "it is not a file"),
        ("/dev/null/sweep.db", "/dev/null is not a folder"),
        ("/proc/sweep.db", "/proc can't be written"),
        ("x" * 300 + ".db", "File name too long"),
        ("photo.db", "it is neither an SQLite database nor a journal"),
        ("places.db", "it is a database of something else"),
        ("other.log", "line 1 is damaged or of something else"),
    ],
)
def test_what_can_keep_no_study_is_one_sentence(text: str, says: str) -> None:
    Path("folder.db").mkdir()
    Path("photo.db").write_bytes(b"\x89PNG\r\n\x1a\n" * 100)
    Path("other.log").write_text('{"a": 1}\n')
    with contextlib.closing(sqlite3.connect("places.db")) as other:
        other.execute("CREATE TABLE places (name)")
    with pytest.raises(RefusedError) as refused:
        Place.of(text)
    assert str(refused.value).startswith("--storage ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("file", ["sweep.db", "sweep.log"])
def test_a_file_that_was_emptied_is_not_begun_anew(file: str) -> None:
    study(file)
    os.truncate(file, 0)
    with pytest.raises(RefusedError, match="it is empty, whatever study it held"):
        Place.of(file)
    Path(file).unlink()
    assert study(file) == 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_database_that_was_cut_is_one_sentence(share: float) -> None:
    study("sweep.db")
    os.truncate("sweep.db", int(share * os.path.getsize("sweep.db")))
    with pytest.raises(RefusedError, match="^--storage sweep.db: .*(amaged|malfo)"):
        Place.of("sweep.db")


def test_a_database_that_was_written_over_is_one_sentence() -> None:
    study("sweep.db")
    with open("sweep.db", "r+b") as file:
        file.seek(4096)
        file.write(b"x" * 40_000)
    with pytest.raises(RefusedError, match="^--storage sweep.db: "):
        Place.of("sweep.db")


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_journal_that_was_cut_is_one_sentence(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    # Optuna leaves the rest of the line out, and reads nothing after the next trial.
    study("sweep.log")
    os.truncate("sweep.log", os.path.getsize("sweep.log") - cut)
    with pytest.raises(RefusedError, match="its last line is cut"):
        Place.of("sweep.log")


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"op": 1}', "\x00\x00", "é"])
def test_a_journal_with_a_damaged_line_is_one_sentence(line: str) -> None:
    study("sweep.log")
    lines = Path("sweep.log").read_text().splitlines()
    lines[3] = line
    Path("sweep.log").write_bytes("".join(f"{each}\n" for each in lines).encode())
    with pytest.raises(RefusedError, match="line 4 is damaged"):
        Place.of("sweep.log")


def test_a_journal_of_whole_lines_is_read_whole() -> None:
    study("sweep.log")
    entries = [json.loads(line) for line in Path("sweep.log").read_text().splitlines()]
    assert all("op_code" in entry for entry in entries)
    assert study("sweep.log") == 4


def test_a_database_that_is_locked_is_waited_for_and_then_one_sentence() -> None:
    study("sweep.db")
    with contextlib.closing(sqlite3.connect("sweep.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RefusedError, match="sweep.db: database is locked"):
            Place.of("sweep.db")
    assert study("sweep.db") == 4


def test_nothing_is_made_before_it_is_needed() -> None:
    Place.of("deep/sweep.db")
    Place.of("deep/sweep.log")
    assert not Path("deep").exists()
