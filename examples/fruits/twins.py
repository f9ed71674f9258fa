"""Pictures that are there more than once."""

import hashlib

from fruits.readable import some


class Twins:
    """Finds pictures that are the same, and are in two splits or classes.

    What is measured with pictures that were learnt by heart means little, and a
    picture can't be of two classes.
    """

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, str, str]] = {}
        self._leaks: dict[tuple[str, str], list[str]] = {}
        self._contradictions: list[str] = []

    def add(self, content: bytes, split: str, label: str, name: str) -> None:
        """Takes note of a picture."""
        digest = hashlib.blake2b(content, digest_size=16).digest()
        first = self._first.setdefault(digest, (split, label, name))
        other_split, other_label, other_name = first
        pair = f"{name} = {other_name}"
        if split != other_split:
            self._leaks.setdefault((split, other_split), []).append(pair)
        if label != other_label:
            self._contradictions.append(pair)

    def notes(self) -> list[str]:
        """What was found, a sentence for each kind."""
        notes = [
            f"{split} pictures that are {other} pictures too ({len(pairs)}): "
            f"{some(pairs, 2)}"
            for (split, other), pairs in self._leaks.items()
        ]
        if self._contradictions:
            number, pairs = len(self._contradictions), some(self._contradictions, 2)
            notes.append(f"pictures that are in two classes ({number}): {pairs}")
        return notes
