"""Many workers on JAX: one program, of which each device does a part."""

import collections
import contextlib
import os
import pickle
from typing import Any

import keras
import numpy as np

from fruits import job
from fruits.errors import RefusedError, received
from fruits.replicas import Workers


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
        counts = collections.Counter(device.process_index for device in jax.devices())
        if len(set(counts.values())) > 1:
            raise RefusedError(
                "--workers processes: each must have the same number of devices. "
                f"{received([counts[number] for number in sorted(counts)])}"
            )
        self._distribution = keras.distribution.DataParallel(auto_shard_dataset=False)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        scope: contextlib.AbstractContextManager[Any] = self._distribution.scope()
        return scope

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
    addresses, processes, process = (
        f"KERAS_DISTRIBUTION_{name}"
        for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
    )
    job.require(addresses, processes, process)
    number, count = job.place(process, processes)
    each = os.environ[addresses].split(",")
    if len(each) not in (1, count):
        raise RefusedError(
            f"{addresses}: it must name the first of {count} processes, or all. "
            f"{received(os.environ[addresses])}"
        )
    for place, address in enumerate(each):
        job.check_address(addresses, address, is_own=place == number == 0)
    with job.waiting(count):
        keras.distribution.initialize()


def _broadcast(content: bytes) -> bytes:
    """The bytes that the chief has."""
    from jax.experimental import multihost_utils

    count = int(multihost_utils.broadcast_one_to_all(np.int32(len(content))))
    padded = np.zeros(count, np.uint8)
    own = np.frombuffer(content, np.uint8)[:count]
    padded[: len(own)] = own
    return bytes(np.asarray(multihost_utils.broadcast_one_to_all(padded)))
