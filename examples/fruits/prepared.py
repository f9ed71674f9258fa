"""Prepared data sets in the cache: whole, or made anew."""

import abc
import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import filelock
import tensorflow_datasets as tfds

from fruits.errors import DataError
from fruits.file_errors import as_os_errors
from fruits.progress import Progress
from fruits.readable import readable

_MANIFEST = "manifest.json"


class KeptBuilder(tfds.core.GeneratorBasedBuilder):
    """A builder that does not read what is damaged: that is removed, and made anew.

    Args:
        data_dir: Where prepared data sets are kept.
        name: What tells this one from others of its kind.

    Attributes:
        progress: Of its preparation, once that has begun.

    Raises:
        DataError: If a damaged one can't be removed.
    """

    progress: Progress

    def __init__(self, data_dir: str | Path, name: str):
        root = Path(os.path.expanduser(data_dir))
        folder = root / self.name / name / str(self.VERSION)
        with _in_a_sentence(folder):
            _remove_if_damaged(folder)
        config = tfds.core.BuilderConfig(name=name, version=self.VERSION)
        super().__init__(data_dir=root, config=config)

    @property
    def classes(self) -> list[str]:
        """The names of the classes that there are pictures of to train on."""
        names: list[str] = self.info.features["label"].names
        return names

    @property
    @abc.abstractmethod
    def total(self) -> int:
        """How many pictures there are to prepare, broken ones among them."""

    @abc.abstractmethod
    def examples(self) -> dict[str, Iterable[Any]]:
        """The keys and the examples of each split."""

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterable[Any]]:
        return {
            split: self.progress.counted(examples)
            for split, examples in self.examples().items()
        }

    def _generate_examples(self) -> Any:
        raise NotImplementedError("Each split has a generator of its own.")


def prepare(builder: KeptBuilder) -> None:
    """Prepares a data set, or finds it prepared, without a network connection.

    Raises:
        DataError: If its pictures can't be trained on, or there is no room for them.
            Nothing is left of it then.
    """
    tfds.disable_progress_bar()
    folder = Path(builder.data_path)
    if _damage(folder) is not None:
        with _in_a_sentence(folder), _whole_or_nothing(folder):
            # Another process may have prepared it meanwhile.
            if _damage(folder) is not None:
                _remove_half_prepared(folder)
                builder.progress = Progress(builder.total, readable(folder))
                # It makes a folder for downloads and prints that it downloads, though
                # there are none. Its warnings go to stderr.
                with (
                    tempfile.TemporaryDirectory() as downloads,
                    contextlib.redirect_stdout(io.StringIO()),
                ):
                    builder.download_and_prepare(download_dir=downloads)
                _write_manifest(folder)
    if not builder.info.splits:
        builder.info.read_from_directory(folder)


def _remove_if_damaged(folder: Path) -> None:
    if not folder.exists() or _damage(folder) is None:
        return
    with _lock(folder):  # Another process may be about to finish it.
        damage = _damage(folder)
        if folder.exists() and damage is not None:
            print(f"{readable(folder)}: {damage}; the data set is prepared anew.")
            shutil.rmtree(folder)


def _remove_half_prepared(folder: Path) -> None:
    """Removes what a process that was killed has left of a preparation."""
    for left in folder.parent.glob("incomplete.*"):
        print(f"{readable(left)} was not finished; the data set is prepared anew.")
        shutil.rmtree(left)


def _write_manifest(folder: Path) -> None:
    """Writes down what a whole data set is; last, so that it stands for the end."""
    manifest = {path.name: _state(path) for path in sorted(folder.iterdir())}
    unfinished = folder / f"{_MANIFEST}.unfinished"
    unfinished.write_text(json.dumps(manifest), "utf-8")
    unfinished.replace(folder / _MANIFEST)


def _damage(folder: Path) -> str | None:
    """What is wrong with a prepared data set, or `None` if it is whole.

    Files that have not been touched since are not read.
    """
    try:
        manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
        states = [(folder / name, dict(state)) for name, state in manifest.items()]
    except (OSError, ValueError, AttributeError, TypeError):
        return "it is not finished"
    if not states:
        return "it is empty"
    for path, state in states:
        if not path.is_file():
            return f"{path.name} is missing"
        status = path.stat()
        if status.st_size != state.get("size"):
            return f"{path.name} has another size than it had"
        untouched = status.st_mtime_ns == state.get("modified")
        if not untouched and _digest(path) != state.get("digest"):
            return f"{path.name} has another content than it had"
    return None


def _state(path: Path) -> dict[str, int | str]:
    status = path.stat()
    return {
        "size": status.st_size,
        "modified": status.st_mtime_ns,
        "digest": _digest(path),
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _lock(folder: Path) -> filelock.BaseFileLock:
    """Two processes that prepare the same data would delete each other's files."""
    return filelock.FileLock(f"{folder}.lock")


@contextlib.contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[None]:
    """Holds the lock; if a data set can't be made, removes all that was made for it."""
    made = [parent for parent in folder.parents if not parent.exists()]
    lock = _lock(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                yield
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                # Who waits for a lock that is removed looks for a new one.
                Path(lock.lock_file).unlink(missing_ok=True)
                raise
    except BaseException:
        with contextlib.suppress(OSError):  # Others may be at work there.
            for parent in made:
                parent.rmdir()
        raise


@contextlib.contextmanager
def _in_a_sentence(folder: Path) -> Iterator[None]:
    try:
        with as_os_errors():
            yield
    except BrokenPipeError:  # Nobody reads what is printed.
        raise
    except OSError as error:
        # tensorflow-datasets says how much it needs, and does not know.
        reason = (error.strerror or str(error)).partition(". Needed: Unknown")[0]
        raise DataError(
            f"data.cache_dir: pictures can't be prepared in {folder}: {reason}"
        ) from error
