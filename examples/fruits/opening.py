"""Which folder a run has: that of an interrupted one, a new one, or a chosen one."""

import glob
import itertools
import time
from pathlib import Path
from typing import Any

import filelock

from fruits.errors import RefusedError
from fruits.run_folder import LOCK, RUN, UNFINISHED, RunFolder
from fruits.whole_files import half_written, tidy


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
    pattern = f"{glob.escape(str(runs_dir / name))}-[0-9]*/{RUN}"
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


def check_chosen(path: Path | None) -> None:
    """Refuses a folder in which no run can go on or begin, whatever it is made of.

    Args:
        path: The folder, if somebody has chosen one.

    Raises:
        RefusedError: As `open_folder` would, after the data are prepared.
    """
    if path is not None and path.exists():
        _usable(path, {}).release()


def _open_chosen(path: Path, made_of: dict[str, Any]) -> RunFolder:
    folder = _usable(path, made_of)
    differences = folder.differences() if folder.state else []
    if differences:
        folder.release()
        raise RefusedError(
            f"--folder: {path} has a run with another {differences[0]}; choose a new "
            "folder"
        )
    return folder


def _usable(path: Path, made_of: dict[str, Any]) -> RunFolder:
    """A folder that has a run to go on with, or nothing."""
    what = f"--folder: {path}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Not even a lock is put among files of somebody else's.
        others = {*path.iterdir()} - {path / LOCK, *half_written(path)}
        if others and path / RUN not in others:
            raise RefusedError(
                f"{what} has files, but none of a run; choose a new folder"
            )
        folder = RunFolder(path, made_of)
    except filelock.Timeout as error:
        raise RefusedError(f"{what} is in use by another process") from error
    except OSError as error:
        raise RefusedError(f"{what} can't be used: {error.strerror}") from error
    try:
        state = folder.state
    except ValueError as error:
        folder.release()
        raise RefusedError(f"{what} has a damaged {RUN}; delete the folder") from error
    if state not in (None, UNFINISHED):
        folder.release()
        raise RefusedError(f"{what} has a run that is {state}; choose a new folder")
    return folder
