"""Ctrl-C and SIGTERM, as a request to end at the next moment at which one can save."""

import contextlib
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
    XLA's, or leave something half done. What nobody has asked for by `request` is
    raised at the end.

    Args:
        agree: The highest of the requests that the processes have.
    """

    def __init__(self, agree: Callable[[int], int]):
        self._agree = agree
        self._signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            # A script that starts a process in the background lets it ignore Ctrl-C.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if kind is None:
            end(self.request())

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
        said = f"\nEnds after this batch, and saves{once_more}.\n"
        # Not by `print`: it can't be entered twice, and who reads may be gone, as the
        # same Ctrl-C ends the `tee` of `| tee log`.
        with contextlib.suppress(OSError):
            os.write(2, said.encode())


def end(request: int) -> None:
    """Raises `Terminated` or `KeyboardInterrupt` if a signal came."""
    if request == signal.SIGTERM:
        raise Terminated
    if request == signal.SIGINT:
        raise KeyboardInterrupt
