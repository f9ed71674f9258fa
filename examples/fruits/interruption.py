"""Ctrl-C and SIGTERM, as a request to end at the next moment at which one can save."""

import os
import signal
import types
from collections.abc import Callable
from typing import Any, Self

from fruits.errors import Terminated


class Interruption:
    """Notes Ctrl-C and SIGTERM while it is entered; the second one ends the process.

    An exception in the handler itself might be lost, for example in a callback of
    XLA's, or leave something half done.

    Args:
        agree: Makes of the signals of all processes one, which ends them all.
    """

    def __init__(self, agree: Callable[[int], int]):
        self._agree = agree
        self._signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def came(self) -> int:
        """The signal that came, here or in another process; 0 for none.

        All processes ask at the same moments.
        """
        return self._agree(self._signal or 0)

    def check(self) -> None:
        """Raises what ends the run if a signal came, as `end` does."""
        end(self.came())

    def _note(self, number: int, _: types.FrameType | None) -> None:
        if self._signal is not None:
            # Files are written beside their places, so that this can't hurt.
            os._exit(128 + number)
        self._signal = number
        once_more = " (once more: at once)" if number == signal.SIGINT else ""
        print(f"\nEnds after this batch, and saves{once_more}.", flush=True)


def end(number: int) -> None:
    """Raises `Terminated` or `KeyboardInterrupt`, for any signal but 0."""
    if number:
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
