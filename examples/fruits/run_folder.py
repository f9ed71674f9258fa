"""The folder of a run: whose it is, and whether the run has ended."""

import glob
import itertools
import json
import time
from pathlib import Path
from typing import Any

import filelock

from fruits.checkpoint import Checkpoint
from fruits.config import by_key
from fruits.errors import RefusedError
from fruits.whole_files import tidy, written_whole

_RUN, _CHECKPOINT, _LOCK = "run.json", "checkpoint.npz", ".lock"
UNFINISHED = "unfinished"


class RunFolder:
    """A folder of a run, which no other process uses until it is released.

    Args:
        path: The folder, which exists.
        made_of: All that the run follows from, by name.

    Raises:
        filelock.Timeout: If another process uses it.
    """

    def __init__(self, path: Path, made_of: dict[str, Any]):
        self.path = path
        # As it will be read again.
        self._made_of = json.loads(json.dumps(made_of))
        # The system opens it when the process ends, however that ends.
        self._lock = filelock.FileLock(path / _LOCK, timeout=0)
        self._lock.acquire()

    @property
    def state(self) -> str | None:
        """`UNFINISHED`, how its run has ended, or `None` if none has begun.

        Raises:
            ValueError: If what is noted of it is damaged.
        """
        return self._read()["state"] if (self.path / _RUN).exists() else None

    def differences(self) -> list[str]:
        """What the run that has begun was made of and this one is not, by name."""
        before = by_key(self._read()["made_of"])
        now = by_key(self._made_of)
        return [
            name
            for name in {**before, **now}
            if before.get(name, _MISSING) != now.get(name, _MISSING)
        ]

    def begin(self) -> None:
        """Notes what the run is made of."""
        self._write(UNFINISHED)

    def load(self) -> Checkpoint | None:
        """What the run was when it was last saved; `None` if it never was."""
        file = self.path / _CHECKPOINT
        if not file.exists():
            return None
        try:
            return Checkpoint.load(file)
        except ValueError as error:
            print(f"{error}. The run begins anew.")
            return None

    def save(self, checkpoint: Checkpoint) -> None:
        """Saves what the run is now."""
        checkpoint.save(self.path / _CHECKPOINT)

    def end(self, state: str) -> None:
        """Notes how the run has ended, so that nobody goes on with it."""
        self._write(state)
        (self.path / _CHECKPOINT).unlink(missing_ok=True)

    def release(self) -> None:
        """Lets other processes use the folder."""
        self._lock.release()

    def _read(self) -> dict[str, Any]:
        file = self.path / _RUN
        try:
            content = json.loads(file.read_text("utf-8"))
            return {"state": str(content["state"]), "made_of": dict(content["made_of"])}
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise ValueError(f"{file} is damaged") from error

    def _write(self, state: str) -> None:
        text = json.dumps({"state": state, "made_of": self._made_of}, indent=1)
        with written_whole(self.path / _RUN) as beside:
            beside.write_text(text + "\n", "utf-8")


def open_folder(
    name: str, runs_dir: Path, chosen: Path | None, made_of: dict[str, Any]
) -> RunFolder:
    """The folder of a run that was interrupted, or of a new one.

    Args:
        name: The first part of a new folder's name.
        runs_dir: Where the folders of runs are.
        chosen: The folder itself, if somebody has chosen one.
        made_of: All that the run follows from, by name.

    Raises:
        RefusedError: If `chosen` can't be used.
    """
    if chosen is not None:
        folder = _open_chosen(chosen, made_of)
    else:
        folder = _interrupted(name, runs_dir, made_of) or _new(name, runs_dir, made_of)
    tidy(folder.path)
    if folder.state is None:
        folder.begin()
    return folder


def _interrupted(
    name: str, runs_dir: Path, made_of: dict[str, Any]
) -> RunFolder | None:
    """That of the last run of this that was interrupted, unless somebody uses it.

    If there is none, one of something else that was interrupted is named: perhaps
    nobody knows of the difference.
    """
    other = None
    pattern = f"{glob.escape(str(runs_dir / name))}-[0-9]*/{_RUN}"
    for file in sorted(glob.glob(pattern), reverse=True):
        try:
            folder = RunFolder(Path(file).parent, made_of)
        except (filelock.Timeout, OSError):
            continue
        try:
            if folder.state == UNFINISHED:
                differences = folder.differences()
                if not differences:
                    return folder
                other = other or (
                    f"{folder.path} was interrupted and has another {differences[0]}; "
                    "it is left alone, and a new run begins."
                )
        except ValueError as error:
            print(f"{error}; its run is left alone.")
        folder.release()
    if other:
        print(other)
    return None


def _new(name: str, runs_dir: Path, made_of: dict[str, Any]) -> RunFolder:
    begin = time.strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        path = runs_dir / f"{name}-{begin}{f'-{number}' if number > 1 else ''}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:  # Of a run that began in the same second.
            continue
        return RunFolder(path, made_of)
    raise AssertionError


def _open_chosen(path: Path, made_of: dict[str, Any]) -> RunFolder:
    what = f"--folder: {path}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        folder = RunFolder(path, made_of)
    except filelock.Timeout as error:
        raise RefusedError(f"{what} is in use by another process") from error
    except OSError as error:
        raise RefusedError(f"{what} can't be used: {error.strerror}") from error
    try:
        state = folder.state
        differences = folder.differences() if state else []
    except ValueError as error:
        raise RefusedError(f"{what} has a damaged {_RUN}; delete the folder") from error
    if state is None and any(each.name != _LOCK for each in path.iterdir()):
        raise RefusedError(f"{what} has files, but none of a run; choose a new folder")
    if state not in (None, UNFINISHED):
        raise RefusedError(f"{what} has a run that is {state}; choose a new folder")
    if differences:
        raise RefusedError(
            f"{what} has a run with another {differences[0]}; choose a new folder"
        )
    return folder


_MISSING = object()
