"""Ctrl-C and SIGTERM, as a request to end at the next moment at which one can save."""

import contextlib
import os
import signal
import types
from typing import Any, Self

from fruits.errors import Terminated


class Interruption:
    """Notes Ctrl-C and SIGTERM while it is entered; the second one ends the process.

    An exception in the handler itself might be lost, for example in a callback of
    XLA's, or leave something half done. What nobody has asked for by `check` is raised
    at the end.
    """

    def __init__(self) -> None:
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
            self.check()

    @property
    def is_asked_for(self) -> bool:
        """Whether a signal came."""
        return self._signal is not None

    def check(self) -> None:
        """Raises `Terminated` or `KeyboardInterrupt` if a signal came."""
        if self._signal is not None:
            raise Terminated if self._signal == signal.SIGTERM else KeyboardInterrupt

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
