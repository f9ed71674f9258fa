"""What a person who uses a script has to change, and how a run may end."""

import contextlib
from collections.abc import Iterator
from typing import Any

from fruits.readable import readable

_MOST = 200


class RefusedError(ValueError):
    """What was asked for can't be done; the message is one sentence for the user.

    It names the argument or key as the user wrote it, the value, and what is allowed.
    A script prints it and ends with exit code 2, before anything is trained or written.
    """


class DataError(RefusedError):
    """Pictures that can't be trained on; names of any bytes are shown in one line."""

    def __init__(self, message: str):
        super().__init__(readable(message))


class Terminated(KeyboardInterrupt):
    """SIGTERM: all that is done about Ctrl-C is done about it as well."""


@contextlib.contextmanager
def about(what: str) -> Iterator[None]:
    """Says in front of an error what it is about."""
    try:
        yield
    except RefusedError as error:
        raise RefusedError(f"{what}: {error}") from error


def received(value: Any) -> str:
    """The end of a message: the value that a person gave, or the beginning of it."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of thousands of digits.
        text = "a number of thousands of digits"
    return f"Received: {text if len(text) <= _MOST else text[:_MOST] + '…'}"
