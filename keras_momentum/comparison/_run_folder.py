"""The folder of a run: whose it is, whether it is whole, and what is in it."""

import dataclasses
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from keras_momentum.comparison._event_files import PARTS, files_in
from keras_momentum.comparison._files import digest_of_file, room_of, write_whole
from keras_momentum.comparison._runs import Run

_FILE = "run.json"
# Lies in the folder of a run from before anything else is there until all else is.
_UNFINISHED = "unfinished"
_CHECKPOINT = "checkpoint.npz"
_NOT_IN_NAMES = '/\\:*?"<>|%'
# Of a file system's 255.
_LONGEST = 180
_REMEDY = "delete this folder, and `compare` trains the run again"


class RunFolder:
    """The folder of a run.

    Args:
        root: The folder of the comparison.
        name: The name of the optimizer, any text.
        seed: The seed.

    Attributes:
        path: The folder, which need not exist.
    """

    def __init__(self, root: Path, name: str, seed: int):
        self._root = root
        self._name = name
        self._seed = seed
        self.path = root / name_of_folder(name) / f"seed-{seed}"

    @property
    def is_finished(self) -> bool:
        """Whether there is a finished run in it."""
        return is_run(self.path)

    @property
    def is_unfinished(self) -> bool:
        """Whether there is a run in it that was begun."""
        return is_unfinished(self.path)

    @property
    def checkpoint(self) -> Path:
        """The file with what the run is after its last epoch, if there is one."""
        return self.path / _CHECKPOINT

    def check(self) -> None:
        """Raises `ValueError` if it has files, but not those of a run."""
        others = self.path.exists() and not (self.is_finished or self.is_unfinished)
        if others and (not self.path.is_dir() or any(self.path.iterdir())):
            raise ValueError(
                "Argument `log_dir` must be a folder without files of others under "
                f"the same names. Received: {self.path}, which is not a run of "
                "compare"
            )

    def begin(self) -> None:
        """Makes the folder, with the mark of a run that is not finished."""
        if self.is_unfinished:
            return
        new = room_of(self._root) / f"run-{os.getpid()}"
        new.mkdir(exist_ok=True)
        write_whole(new / _UNFINISHED, json.dumps([self._name, self._seed]) + "\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # In one step, so that it is never there without its mark.
        new.replace(self.path)

    def forget(self) -> None:
        """Deletes what an unfinished run has left: its checkpoint and its logs."""
        self.checkpoint.unlink(missing_ok=True)
        for logs in self._logs():
            logs.unlink()

    def forget_summary(self) -> None:
        """Deletes what was logged of the run as a whole."""
        for logs in files_in(self.path):
            logs.unlink()

    def end(self, run: Run) -> None:
        """Writes the run, as a whole or not at all, and takes the mark away."""
        content: dict[str, Any] = {
            "run": dataclasses.asdict(run),
            "files": {
                file.relative_to(self.path).as_posix(): digest_of_file(file)
                for file in sorted([*self._logs(), *files_in(self.path)])
            },
        }
        content["checksum"] = _checksum(content)
        write_whole(self.path / _FILE, json.dumps(content, indent=1) + "\n")
        self._tidy()

    def read(self) -> Run:
        """Reads the run.

        Raises:
            ValueError: If it is not whole, or another run than the folder says.
        """
        run = read_run(self.path)
        if (run.name, run.seed) != (self._name, self._seed):
            raise ValueError(
                f"{self.path / _FILE} is of {run.name!r}, seed {run.seed}; {_REMEDY}."
            )
        self._tidy()
        return run

    def _tidy(self) -> None:
        """Deletes what an unfinished run needs, the mark last."""
        self.checkpoint.unlink(missing_ok=True)
        (self.path / _UNFINISHED).unlink(missing_ok=True)

    def _logs(self) -> list[Path]:
        return [file for part in PARTS for file in files_in(self.path / part)]


def read_run(folder: Path) -> Run:
    """Reads the run in a folder.

    Raises:
        ValueError: If it is not whole.
    """
    file = folder / _FILE
    try:
        content = json.loads(file.read_text("utf-8"))
        checksum = content.pop("checksum")
        run = Run(**content["run"])
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(
            f"{file} is not the file of a run of this version, or is damaged; "
            f"{_REMEDY}."
        ) from error
    columns: tuple[Any, ...] = (run.steps, run.seconds, *run.history.values())
    lengths = {len(values) for values in columns}
    if checksum != _checksum(content) or len(lengths) > 1:
        raise ValueError(f"{file} is damaged; {_REMEDY}.")
    for name, digest in content["files"].items():
        damaged = folder / name
        if not damaged.exists() or digest_of_file(damaged) != digest:
            raise ValueError(f"{damaged} is damaged or missing; {_REMEDY}.")
    return run


def is_run(folder: Path) -> bool:
    """Whether there is a finished run in a folder."""
    return (folder / _FILE).exists()


def is_unfinished(folder: Path) -> bool:
    """Whether there is a run in a folder that was begun and not finished."""
    return (folder / _UNFINISHED).exists() and not is_run(folder)


def name_of_folder(name: str) -> str:
    """The name of a folder for any text; other texts have other names."""
    quoted = "".join(
        _quoted(each)
        if each in _NOT_IN_NAMES or ord(each) < 32 or (each in ". " and at in ends)
        else each
        for ends in [(0, len(name) - 1)]
        for at, each in enumerate(name)
    )
    if len(quoted.encode()) <= _LONGEST:
        return quoted
    short = quoted.encode()[:_LONGEST].decode(errors="ignore")
    return f"{short}%{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _quoted(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps([content["run"], content["files"]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
