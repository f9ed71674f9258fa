"""Ctrl-C and SIGTERM where Python would lose them."""

import os
import signal
import sys
import threading
from typing import Any

from fruits.errors import Terminated

_SOON = 0.05


def repeat_lost_interrupts() -> None:
    """Sends a signal once more if what its handler raised could go nowhere.

    An exception in a callback, of the garbage collector or XLA's for example, is
    printed, and forgotten.
    """
    sys.unraisablehook = _repeat


def _repeat(lost: Any) -> None:
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    is_terminated = isinstance(lost.exc_value, Terminated)
    number = signal.SIGTERM if is_terminated else signal.SIGINT
    # Not from here, where it would be lost again.
    timer = threading.Timer(_SOON, os.kill, (os.getpid(), number))
    timer.daemon = True
    timer.start()
