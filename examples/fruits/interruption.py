"""Ctrl-C and SIGTERM, as a request to end at the next moment at which one can save."""

import os
import signal
import types
from collections.abc import Callable
from typing import Any, Self

from fruits.errors import Terminated

# Not to end, but to save; lower than any signal that is noted.
SAVE = 1


class Interruption:
    """Notes Ctrl-C and SIGTERM while it is entered; the second one ends the process.

    An exception in the handler itself might be lost, for example in a callback of
    XLA's, or leave something half done.

    Args:
        agree: The highest of the requests that the processes have.
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

    def request(self, own: int = 0) -> int:
        """The signal that came, here or in another process; else the highest `own`.

        All processes ask at the same moments.
        """
        return self._agree(self._signal or own)

    def _note(self, number: int, _: types.FrameType | None) -> None:
        if self._signal is not None:
            # Files are written beside their places, so that this can't hurt.
            os._exit(128 + number)
        self._signal = number
        once_more = " (once more: at once)" if number == signal.SIGINT else ""
        print(f"\nEnds after this batch, and saves{once_more}.", flush=True)


def end(request: int) -> None:
    """Raises `Terminated` or `KeyboardInterrupt` if a signal came."""
    if request == signal.SIGTERM:
        raise Terminated
    if request == signal.SIGINT:
        raise KeyboardInterrupt
