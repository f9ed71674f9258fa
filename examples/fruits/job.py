"""What the environment says about a job of several processes."""

import contextlib
import errno
import json
import os
import signal
import socket
from collections.abc import Iterator

from fruits.errors import RefusedError, received


def described(backend: str) -> tuple[str, int]:
    """What in the environment would describe a job, and its number of processes.

    Args:
        backend: Of Keras; each has its own names.
    """
    if backend == "tensorflow":
        name, count = "TF_CONFIG", 0
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
            jobs = json.loads(os.environ[name])["cluster"].values()
            count = sum(map(len, jobs))
        return name, count
    name = "WORLD_SIZE" if backend == "torch" else "KERAS_DISTRIBUTION_NUM_PROCESSES"
    text = os.environ.get(name, "")
    return name, int(text) if _is_whole(text) else 0


def require(*names: str) -> None:
    """Refuses an environment in which a name is missing or empty.

    Args:
        *names: All that the job needs.

    Raises:
        RefusedError: If one is.
    """
    for name in names:
        if not os.environ.get(name):
            raise RefusedError(
                f"--workers processes: the environment must say {', '.join(names)}, "
                f"and {name} is missing"
            )


def place(process: str, processes: str) -> tuple[int, int]:
    """The number of this process, and how many there are.

    Args:
        process: The name of the first in the environment.
        processes: That of the second.

    Raises:
        RefusedError: If they can't be.
    """
    number, count = whole_number(process), whole_number(processes)
    if number >= count:
        raise RefusedError(
            f"{process}: it must be below {processes}. Received: {number} of {count}"
        )
    return number, count


def whole_number(name: str) -> int:
    """A whole number of the environment.

    Raises:
        RefusedError: If it is none.
    """
    text = os.environ[name]
    if not _is_whole(text):
        raise RefusedError(f"{name}: it must be a whole number. {received(text)}")
    return int(text)


def check_address(name: str, address: str, is_own: bool = False) -> None:
    """Refuses an address at which nobody can listen.

    Args:
        name: Where it stands in the environment.
        address: The address.
        is_own: Whether this process is going to listen there.

    Raises:
        RefusedError: If it is not HOST:PORT, or its own and in use.
    """
    host, _, port = address.rpartition(":")
    if not host or not _is_whole(port) or not 0 < int(port) < 2**16:
        raise RefusedError(f"{name}: each is HOST:PORT. {received(address)}")
    if is_own and _is_in_use(int(port)):
        # JAX would crash, and TensorFlow not say which.
        raise RefusedError(f"{name}: port {port} of this machine is in use")


@contextlib.contextmanager
def waiting(processes: int) -> Iterator[None]:
    """Within it a process waits for the others of its job, which may take long.

    Ctrl-C and SIGTERM end it at once: Python's handlers would not run until the
    backend, which waits outside of Python, returns. (TensorFlow puts a handler of its
    own for SIGTERM there, which does nothing.)

    Args:
        processes: How many there are.
    """
    if processes > 1:
        print(f"Waits until all {processes} processes are there.", flush=True)
    before = {
        number: signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM)
        # A script that starts a process in the background lets it ignore Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_use(port: int) -> bool:
    try:
        socket.create_server(("", port)).close()
    except OSError as error:
        return error.errno == errno.EADDRINUSE
    return False


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
