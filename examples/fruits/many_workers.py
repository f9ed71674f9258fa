"""Which workers train: `--workers` of train_fruits.py."""

import keras

from fruits.errors import RefusedError
from fruits.mirrored import mirrored_devices, mirrored_processes
from fruits.replicas import Alone, Workers
from fruits.sharded import Sharded, join

DEVICES, PROCESSES = "devices", "processes"
_MISSING = {
    ("torch", DEVICES): (
        "Keras has no data parallelism on PyTorch yet (keras#23418); "
        "KERAS_BACKEND=tensorflow or jax has"
    ),
    ("torch", PROCESSES): (
        "Keras's fit goes past DistributedDataParallel, so that each process would "
        "train by itself (keras#23418); KERAS_BACKEND=tensorflow or jax has it"
    ),
}


def workers_of(kind: str | None) -> Workers:
    """The workers of a script's `--workers`; before anything is computed.

    Args:
        kind: `DEVICES`, `PROCESSES`, or `None` for a single device.

    Raises:
        RefusedError: If they can't train together.
    """
    if kind is None:
        return Alone()
    backend = keras.backend.backend()
    if backend == "jax":
        if kind == PROCESSES:
            join()
        return Sharded()
    if backend == "tensorflow":
        return mirrored_processes() if kind == PROCESSES else mirrored_devices()
    raise RefusedError(f"--workers {kind}: {_MISSING[backend, kind]}")
