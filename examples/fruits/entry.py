"""How every script starts and ends: with a sentence and an exit code, whatever happens.

| code | the run |
|---|---|
| 0 | did what was asked for |
| 1 | was stopped by what nobody asked for, such as a full disk |
| 2 | was refused, before anything was done |
| 3 | has a result that is of no use: it diverged |
| 130, 143 | was stopped by Ctrl-C, by SIGTERM |
| 141 | has lost its reader, as in `| head` |
"""

import contextlib
import functools
import io
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from fruits.errors import RefusedError, Terminated
from fruits.lost_interrupts import repeat_lost_interrupts

FAILED, REFUSED, DIVERGED = 1, 2, 3
INTERRUPTED, TERMINATED, NOBODY_READS = (
    128 + number for number in (signal.SIGINT, signal.SIGTERM, 13)
)
_ROOT = Path(__file__).parents[2]


def run(main: Callable[[], int | None]) -> NoReturn:
    """Runs a script and ends the process.

    Args:
        main: Does it all; returns an exit code, or `None` for 0.
    """
    raise SystemExit(exit_code(main))


def exit_code(main: Callable[[], int | None]) -> int:
    """Runs a script; what it raises becomes a line on stderr and an exit code."""
    # TensorFlow says much when it is imported, and reads this then.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGTERM, _terminate)
    repeat_lost_interrupts()
    _open_what_is_closed()
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A γ is no reason to stop where the terminal has none.
        sys.stdout.reconfigure(errors="replace")
    try:
        with contextlib.ExitStack() as at_the_end:
            # Here, as Python's own end complains of a reader who is gone.
            at_the_end.callback(sys.stdout.flush)
            return main() or 0
    except RefusedError as error:
        return _say(str(error), REFUSED)
    except Terminated:
        return _say("Terminated.", TERMINATED)
    except KeyboardInterrupt:
        return _say("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        _end_output()
        return NOBODY_READS
    except SystemExit as end:
        # Rich ends the process where it finds that.
        if isinstance(end.__context__, BrokenPipeError):
            return NOBODY_READS
        raise
    except ModuleNotFoundError as error:
        remedy = 'pip install -e ".[examples]" brings what the examples need'
        return _say(f"{error}: {remedy}", FAILED)
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        return _say(f"{what}{error.strerror or error}", FAILED)
    except Exception as error:
        return _say(_unexpected(error), FAILED)


def import_keras() -> None:
    """Imports Keras and its backend without a word, unless it can't be imported."""
    # JAX would take three quarters of a GPU's memory, whatever it needs.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with _unheard():
        import keras  # noqa: F401
        import tensorflow  # noqa: F401  # It reads the pictures on every backend.
        from absl import logging
    # Of tensorflow-datasets, that data sets have names.
    logging.set_verbosity(logging.ERROR)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Keeps what is written to stderr, also by C++, and shows it if there is an error.

    TensorFlow's C++ greets there before it reads how much it may say.
    """
    with tempfile.TemporaryFile() as said:
        stderr = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        except Exception:
            said.seek(0)
            os.write(stderr, said.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def _open_what_is_closed() -> None:
    """Leads stdin, stdout and stderr nowhere where the caller has closed them.

    Keras needs them, and the next file to be opened would have the number of one and
    get what is printed.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0, closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Shows a warning as a sentence, without the line of code that it comes from."""
    text = str(message)
    if "missing from font" in text:  # Matplotlib says it of every letter.
        text = "The font of the pictures lacks some letters, and has boxes for them."
    with contextlib.suppress(OSError):  # As Python's own: a warning ends nothing.
        _say_once(text)


@functools.cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _say(message: str, code: int) -> int:
    _end_output()
    with contextlib.suppress(OSError):
        print(message, file=sys.stderr)
    return code


def _end_output() -> None:
    """Writes what is left, or forgets it: Python would try again, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(error: Exception) -> str:
    """A sentence on an error that nobody thought of, and where the rest is."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_ROOT)]
    frame = (ours or frames)[-1]
    lines = str(error).strip().splitlines() or ["it says no more"]
    sentence = (
        f"{type(error).__name__}: {lines[0]} ({Path(frame.filename).name}, line "
        f"{frame.lineno})"
    )
    try:
        file = Path(tempfile.mkdtemp(prefix="keras_momentum-")) / "traceback.txt"
        file.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:  # A full disk may be what it is about.
        return sentence
    return f"{sentence}; the traceback is in {file}"
