"""What a comparison leaves beside its runs, and which files there are its own."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_momentum.comparison._files import digest_of_file, room_of, write_whole

# Settings, and the manifest: which files `compare` wrote, with their digests.
_FILE = "comparison.json"
NAMES = ("comparison.txt", "comparison.csv", "comparison.png")


class Results:
    """The files that a comparison writes into its folder.

    Args:
        folder: The folder of the comparison.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def check(self) -> None:
        """Raises `ValueError` if files of others have the names of ours."""
        known = self._manifest()
        for name in NAMES:
            if (self._folder / name).exists() and not self._is_own(name, known):
                raise ValueError(
                    "Argument `log_dir` must be a folder without files of others under "
                    "the names that `compare` writes; move this one, or choose another "
                    f"folder. Received: {self._folder / name}"
                )

    def write(
        self,
        settings: Mapping[str, Any],
        writers: Mapping[str, Callable[[Path], None]],
        write_logs: Callable[[Path], None],
    ) -> None:
        """Writes all files, each as a whole or not at all.

        Args:
            settings: By what the comparison judges.
            writers: Functions that write a file to a path, by its name.
            write_logs: Writes logs for TensorBoard into a folder.
        """
        self.check()
        before = self._manifest()
        making = room_of(self._folder) / f"writing-{os.getpid()}"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        try:
            for name, write in writers.items():
                write(making / name)
            write_logs(making)
            made = {file.name: [digest_of_file(file)] for file in making.iterdir()}
            # Names come first: what is renamed then is known, whenever this ends.
            both = {**before, **made}
            known = {
                name: [*before.get(name, []), *made.get(name, [])] for name in both
            }
            self._write(settings, known)
            for name in made:
                (making / name).replace(self._folder / name)
            for name in before.keys() - made.keys():
                if self._is_own(name, before):
                    (self._folder / name).unlink()
            self._write(settings, made)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def settings(self) -> dict[str, Any]:
        """By what a comparison judged; nothing where there is none.

        Raises:
            ValueError: If the file is damaged.
        """
        file = self._folder / _FILE
        if not file.exists():
            return {}
        with contextlib.suppress(ValueError):
            found = json.loads(file.read_text("utf-8"))
            if isinstance(found, dict) and isinstance(found.get("files"), dict):
                return found
        raise ValueError(
            f"{file} is not of `compare`, or is damaged; move it away, and `compare` "
            "writes it again."
        )

    def _manifest(self) -> dict[str, list[str]]:
        return dict(self.settings().get("files", {}))

    def _is_own(self, name: str, known: Mapping[str, list[str]]) -> bool:
        file = self._folder / name
        return file.exists() and digest_of_file(file) in known.get(name, [])

    def _write(self, settings: Mapping[str, Any], files: Mapping[str, Any]) -> None:
        content = {**settings, "files": dict(files)}
        write_whole(self._folder / _FILE, json.dumps(content, indent=1) + "\n")
