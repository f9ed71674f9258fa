"""Errors that TensorFlow has with files, as those of Python."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """What TensorFlow can't read or write becomes an `OSError`, with its reason alone.

    tensorflow-datasets wraps it in an error of its own at some places.
    """
    try:
        yield
    except (tf.errors.OpError, RuntimeError) as error:
        cause = error.__cause__ if type(error) is RuntimeError else error
        if isinstance(cause, tf.errors.OpError):
            raise OSError(cause.message) from error
        if isinstance(cause, OSError):
            raise cause from error
        raise
