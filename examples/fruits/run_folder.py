"""The folder of a run: whose it is, and whether the run has ended."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock

from fruits.checkpoint import Checkpoint
from fruits.config import by_key
from fruits.whole_files import written_whole

RUN, LOCK, _CHECKPOINT = "run.json", ".lock", "checkpoint.npz"
_SET_ASIDE = "damaged-"
BEST = "best.keras"
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
        self._lock = filelock.FileLock(path / LOCK, timeout=0)
        self._lock.acquire()

    @property
    def state(self) -> str | None:
        """`UNFINISHED`, how its run has ended, or `None` if none has begun.

        Raises:
            ValueError: If what is noted of it is damaged.
        """
        return self._read()["state"] if (self.path / RUN).exists() else None

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
        """What the run was when it was last saved; `None` if it begins.

        What it has left is set aside if it begins anew: nobody is to take the results
        of another training for its own.
        """
        file = self.path / _CHECKPOINT
        try:
            if file.exists():
                return Checkpoint.load(file)
            if self._has_been_saved():
                raise ValueError(f"{file} is missing")
        except ValueError as error:
            aside = self._set_aside()
            print(f"{error}. The run begins anew; what it had left is in {aside}.")
            return None
        # Of an end that came before the run was saved for the first time.
        (self.path / BEST).unlink(missing_ok=True)
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

    @contextlib.contextmanager
    def that_goes_on(self) -> Iterator[None]:
        """Says that the run goes on if it is interrupted: all before it is saved."""
        try:
            yield
        except KeyboardInterrupt:
            print(f"Saved in {self.path}; the same command goes on.", flush=True)
            raise

    def _has_been_saved(self) -> bool:
        """Whether epochs are recorded; it is saved at the end of the first."""
        try:
            with (self.path / "history.csv").open("rb") as history:
                return sum(1 for _ in history) > len(("heading", "first epoch"))
        except FileNotFoundError:
            return False

    def _set_aside(self) -> Path:
        """Moves all that a training has left to a folder of its own."""
        places = (self.path / f"{_SET_ASIDE}{n}" for n in itertools.count(1))
        aside = next(place for place in places if not place.exists())
        aside.mkdir()
        left = [
            each
            for each in self.path.iterdir()
            if each.name not in (RUN, LOCK) and not each.name.startswith(_SET_ASIDE)
        ]
        # The damaged file last, so that a process that is killed leaves it to be found.
        for each in sorted(left, key=lambda each: each.name == _CHECKPOINT):
            each.rename(aside / each.name)
        return aside

    def _read(self) -> dict[str, Any]:
        file = self.path / RUN
        try:
            content = json.loads(file.read_text("utf-8"))
            return {"state": str(content["state"]), "made_of": dict(content["made_of"])}
        except (KeyError, OSError, TypeError, ValueError) as error:
            raise ValueError(f"{file} is damaged") from error

    def _write(self, state: str) -> None:
        text = json.dumps({"state": state, "made_of": self._made_of}, indent=1)
        with written_whole(self.path / RUN) as beside:
            beside.write_text(text + "\n", "utf-8")


_MISSING = object()
