"""What the environment says about a job of several processes."""

import os

from fruits.errors import RefusedError, received


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


def check_address(name: str, address: str) -> None:
    """Refuses what is not HOST:PORT.

    Args:
        name: Where it stands in the environment.
        address: The address.

    Raises:
        RefusedError: If it is not.
    """
    host, _, port = address.rpartition(":")
    if not host or not _is_whole(port) or not 0 < int(port) < 2**16:
        raise RefusedError(f"{name}: each is HOST:PORT. {received(address)}")


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
