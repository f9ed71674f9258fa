"""Which workers train: `--workers` of train_fruits.py."""

import keras

from fruits import job
from fruits.devices import share_gpu
from fruits.errors import RefusedError
from fruits.mirrored import mirrored_devices, mirrored_processes
from fruits.replicas import Alone, Workers
from fruits.sharded import Sharded, join

DEVICES, PROCESSES = "devices", "processes"


def workers_of(kind: str | None) -> Workers:
    """The workers of a script's `--workers`; before anything is computed.

    Args:
        kind: `DEVICES`, `PROCESSES`, or `None` for a single device.

    Raises:
        RefusedError: If they can't train together.
    """
    backend = keras.backend.backend()
    if kind != PROCESSES:
        _check_is_no_job(backend)
    # TensorFlow can't be told any more once it has started its devices.
    share_gpu()
    if kind is None:
        return Alone()
    if backend == "jax":
        if kind == PROCESSES:
            join()
        return Sharded()
    if backend == "tensorflow":
        return mirrored_processes() if kind == PROCESSES else mirrored_devices()
    if kind == DEVICES:
        raise RefusedError(
            "--workers devices: on PyTorch each device needs a process: torchrun "
            "--nproc-per-node NUMBER examples/train_fruits.py … --workers processes"
        )
    from fruits.averaged import averaged_processes

    return averaged_processes()


def _check_is_no_job(backend: str) -> None:
    name, count = job.described(backend)
    if count > 1:
        raise RefusedError(
            f"{name}: it describes a job of {count} processes, and each would train by "
            "itself; let --workers processes make them train together, or unset it"
        )
