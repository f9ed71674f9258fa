"""Where a study is kept: a file, or a database that other machines can reach."""

import contextlib
import dataclasses
import json
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import filelock
import sqlalchemy

from fruits.errors import RefusedError
from fruits.paths import check_folder, expanded

_DATABASES, _JOURNALS = (".db", ".sqlite", ".sqlite3"), (".log", ".journal")
_FIRST_BYTES = b"SQLite format 3\0"
# In seconds. A file that another process has locked is waited for.
PATIENCE = 60
# Only for a server: a worker that is silent for so long is taken for dead.
HEARTBEAT, GRACE = 5, 30


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a study is kept; what is in its way is known before data are prepared.

    Attributes:
        name: As it is shown: without a password.
        url: Of the database, or `None` for a journal.
        file: Of the database or the journal, or `None` for a server.
    """

    name: str
    url: str | None
    file: Path | None

    @classmethod
    def of(cls, text: str) -> "Place":
        """What `--storage` names.

        Args:
            text: The path of an SQLite database or of a journal, or the URL of a
                database.

        Raises:
            RefusedError: If no study can be kept there.
        """
        with _reasons(text):
            place = cls._server(text) if "://" in text else cls._at(expanded(text))
            if place.file is None:
                place.open()
            elif place.file.exists():
                with place.locked():
                    place._check()
            return place

    @classmethod
    def _server(cls, text: str) -> "Place":
        url = sqlalchemy.make_url(text)
        try:
            url.get_dialect()
        except sqlalchemy.exc.NoSuchModuleError as error:
            kind = url.get_backend_name()
            raise RefusedError(f"{kind} is no kind of database known here") from error
        if url.get_backend_name() != "sqlite":
            return cls(url.render_as_string(), text, None)
        if url.database in (None, "", ":memory:"):
            raise RefusedError("it would end with the process; write sqlite:///FILE")
        return cls._at(expanded(url.database), "sqlite")

    @classmethod
    def _at(cls, file: Path, kind: str | None = None) -> "Place":
        if os.name != "nt" and PureWindowsPath(file).drive:
            raise RefusedError("it is a path of Windows")
        if file.exists() and not file.is_file():
            raise RefusedError("it is not a file")
        if file.exists() and not os.access(file, os.W_OK):
            raise RefusedError("it can't be written")
        check_folder(file.parent)
        kind = _content(file) or kind or _kind_by_name(file)
        if kind == "journal":
            return cls(str(file), None, file)
        url = sqlalchemy.URL.create("sqlite", database=str(file)).render_as_string()
        # Optuna puts its version into braces.
        return cls(str(file), url.replace("{", "{{").replace("}", "}}"), file)

    @property
    def workers(self) -> Path | None:
        """The folder in which each worker shows that it is alive."""
        return None if self.file is None else Path(f"{self.file}.workers")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else opens the storage or begins a trial meanwhile, in a file."""
        if self.workers is None:
            yield
            return
        self.workers.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.workers / "turn.lock", PATIENCE):
            yield

    def open(self) -> Any:
        """The storage of Optuna, to be called when it is `locked`."""
        import optuna
        from optuna.storages import journal

        with _reasons(self.name):
            if self.file is not None and self.file.exists():
                self._check()
            if self.url is None:
                backend = journal.JournalFileBackend(self.name)
                return optuna.storages.JournalStorage(backend)
            if self.file is not None:
                patient: dict[str, Any] = {"connect_args": {"timeout": PATIENCE}}
                return optuna.storages.RDBStorage(self.url, patient)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Heartbeats are experimental.
                return optuna.storages.RDBStorage(
                    self.url,
                    heartbeat_interval=HEARTBEAT,
                    grace_period=GRACE,
                    heartbeat_stale_trial_callback=(
                        optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=3)
                    ),
                )

    def _check(self) -> None:
        """Refuses a file that is there and damaged, or of something else."""
        assert self.file is not None
        if not _content(self.file):
            raise RefusedError(
                "it is empty, whatever study it held; delete it to begin anew"
            )
        if self.url is None:
            _check_journal(self.file)
        else:
            _check_database(self.file)


def _kind_by_name(file: Path) -> str:
    if file.suffix in _DATABASES:
        return "sqlite"
    if file.suffix in _JOURNALS:
        return "journal"
    raise RefusedError(
        f"it must end in {', '.join(_DATABASES)} for a database, or in "
        f"{', '.join(_JOURNALS)} for a journal, or be the URL of a database"
    )


def _content(file: Path) -> str | None:
    """What is in a file, or `None` if it is not there or empty."""
    if not file.exists():
        return None
    with file.open("rb") as opened:
        first = opened.read(len(_FIRST_BYTES))
    if first and first != _FIRST_BYTES and not first.startswith(b"{"):
        raise RefusedError("it is neither an SQLite database nor a journal of Optuna")
    return ("sqlite" if first == _FIRST_BYTES else "journal") if first else None


def _check_database(file: Path) -> None:
    uri = f"{file.absolute().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(uri, PATIENCE, uri=True)) as database:
        ((verdict,), *_) = database.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise RefusedError(f"the database is damaged: {verdict}")
        found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in found}
    if tables and "studies" not in tables:
        raise RefusedError("it is a database of something else")


def _check_journal(file: Path) -> None:
    """Optuna leaves out a last line that is cut, and reads nothing after the next."""
    # Somebody may be writing it, who needs some milliseconds.
    for _ in range(20):
        content = file.read_bytes()
        if content.endswith(b"\n"):
            break
        time.sleep(0.1)
    else:
        raise RefusedError("its last line is cut; delete that line to go on")
    for number, line in enumerate(content.splitlines(), 1):
        try:
            is_entry = "op_code" in json.loads(line)
        except (ValueError, TypeError):
            is_entry = False
        if not is_entry:
            raise RefusedError(f"line {number} is damaged or of something else")


@contextlib.contextmanager
def _reasons(name: str) -> Iterator[None]:
    """Says in a sentence why a storage can't be used."""
    try:
        yield
    except RefusedError as error:
        if str(error).startswith("--storage "):
            raise
        raise RefusedError(f"--storage {name}: {error}") from error
    except Exception as error:
        raise RefusedError(f"--storage {name}: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """What a database said, without what SQLAlchemy and Optuna say about it."""
    while error.__cause__ is not None and not isinstance(error, ValueError):
        error = error.__cause__
    return (str(error) or type(error).__name__).splitlines()[0]
