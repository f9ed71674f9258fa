"""Many workers on JAX: one program, of which each device does a part."""

import contextlib
import os
import pickle
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fruits.errors import RefusedError, received
from fruits.replicas import Workers

_JOB = "KERAS_DISTRIBUTION_"


class Sharded(Workers):
    """The devices of all processes, on JAX.

    A step is one program for all of them: batch normalization and dropout are those of
    the whole batch.
    """

    def __init__(self) -> None:
        import jax

        self.replicas = jax.device_count()
        self.processes = jax.process_count()
        self.process = jax.process_index()
        self._distribution = keras.distribution.DataParallel(auto_shard_dataset=False)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        scope: contextlib.AbstractContextManager[Any] = self._distribution.scope()
        return scope

    def shared(self, batches: tf.data.Dataset) -> Any:
        if self.processes == 1:
            return batches

        def own(rows: tf.Tensor) -> tf.Tensor:
            count = tf.shape(rows)[0] // self.processes
            return rows[self.process * count : (self.process + 1) * count]

        return batches.map(lambda *batch: tuple(map(own, batch)), tf.data.AUTOTUNE)

    def for_each(self, batches: tf.data.Dataset) -> Any:
        times = self.replicas // self.processes
        return batches.map(
            lambda *batch: tuple(tf.repeat(rows, times, axis=0) for rows in batch)
        )

    def from_chief(self, value: Any) -> Any:
        if self.processes > 1:
            value = pickle.loads(_broadcast(pickle.dumps(value)))
        if isinstance(value, RefusedError):
            raise value
        return value

    def highest(self, number: int) -> int:
        if self.processes == 1:
            return number
        from jax.experimental import multihost_utils

        return int(np.max(multihost_utils.process_allgather(np.int32(number))))


def join() -> None:
    """Joins the other processes of the job, which the environment describes.

    Raises:
        RefusedError: If it does not.
    """
    names = [_JOB + name for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")]
    for name in names:
        if not os.environ.get(name):
            raise RefusedError(
                f"--workers processes: the environment must say {', '.join(names)}, "
                f"and {name} is missing"
            )
    count, process = (_number(name) for name in names[1:])
    if count < 1 or not 0 <= process < count:
        raise RefusedError(
            f"{names[2]}: it must be below {names[1]}. Received: {process} of {count}"
        )
    addresses = os.environ[names[0]].split(",")
    if len(addresses) not in (1, count):
        raise RefusedError(
            f"{names[0]}: it must name the first of {count} processes, or all. "
            f"{received(os.environ[names[0]])}"
        )
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not _is_whole(port) or not 0 < int(port) < 2**16:
            raise RefusedError(f"{names[0]}: each is HOST:PORT. {received(address)}")
    keras.distribution.initialize()


def _number(name: str) -> int:
    text = os.environ[name]
    if not _is_whole(text):
        raise RefusedError(f"{name}: it must be a whole number. {received(text)}")
    return int(text)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _broadcast(content: bytes) -> bytes:
    """The bytes that the chief has."""
    from jax.experimental import multihost_utils

    count = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
    padded = np.zeros(count, np.uint8)
    own = np.frombuffer(content, np.uint8)[:count]
    padded[: len(own)] = own
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(padded)))
