"""How far a preparation is, for a person who waits for it."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Thing = TypeVar("Thing")
_SECONDS = 10.0


class Progress:
    """Says how many pictures there are to prepare, and at times how many are done.

    Args:
        total: How many there are.
        where: Where they are kept.
    """

    def __init__(self, total: int, where: str):
        self._total = total
        self._done = 0
        # What tensorflow-datasets prints goes elsewhere.
        self._out = sys.stdout
        self._next = time.monotonic() + _SECONDS
        self._say(f"Preparing {total:,} pictures in {where}")

    def counted(self, things: Iterable[Thing]) -> Iterator[Thing]:
        """The things, of which each is a picture."""
        for thing in things:
            yield thing
            self._done += 1
            if time.monotonic() >= self._next:
                self._next += _SECONDS
                self._say(f"{self._done:,} of {self._total:,} pictures are prepared")

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)
