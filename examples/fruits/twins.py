"""Pictures that are there more than once."""

import hashlib
from collections.abc import Callable

from fruits.found import Photo
from fruits.readable import some


class Twins:
    """Finds pictures that are the same, and are in two splits or classes.

    What is measured with pictures that were learnt by heart means little, and a
    picture can't be of two classes.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, Photo]] = {}
        self._leaks: dict[tuple[str, str], list[tuple[Photo, Photo]]] = {}
        self._contradictions: list[tuple[Photo, Photo]] = []

    def add(self, content: bytes, split: str, photo: Photo) -> None:
        """Takes note of a picture."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        first_split, first = self._first.setdefault(digest, (split, photo))
        if split != first_split:
            self._leaks.setdefault((split, first_split), []).append((photo, first))
        if photo.label != first.label:
            self._contradictions.append((photo, first))

    def notes(self, name: Callable[[str], str]) -> list[str]:
        """What was found, a sentence for each kind.

        Args:
            name: How a file is called, by its location.
        """

        def named(pairs: list[tuple[Photo, Photo]]) -> str:
            alike = [
                f"{name(photo.file.location)} = {name(first.file.location)}"
                for photo, first in pairs
            ]
            return f"({len(pairs)}): {some(alike, 2)}"

        notes = [
            f"{split} pictures that are {other} pictures too {named(pairs)}"
            for (split, other), pairs in self._leaks.items()
        ]
        if self._contradictions:
            notes.append(
                f"pictures that are in two classes {named(self._contradictions)}"
            )
        return notes
