"""One training by many workers, which ends as that of a single one would.

The batches, the ramp of gamma, the restarts and the checkpoints are those of one
worker: each replica of the network has its rows of every batch, and all make the same
update. The first process is the chief, and it alone writes.
"""

import abc
import contextlib
import json
import math
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fruits.errors import RefusedError, received
from fruits.worker_loop import fit_by_loop

DEVICES, PROCESSES = "devices", "processes"
_JOB = "KERAS_DISTRIBUTION_"


class Workers(abc.ABC):
    """Those who train together.

    Attributes:
        replicas: How many of them there are, in all processes.
        processes: The number of processes.
        process: The number of this one.
    """

    replicas = 1
    processes = 1
    process = 0

    @property
    def is_chief(self) -> bool:
        """Whether this process writes."""
        return self.process == 0

    @abc.abstractmethod
    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Within it, what is made and trained belongs to all of them."""

    def fit(self, model: keras.Model, batches: Any, **how: Any) -> None:
        """Trains as `model.fit` does."""
        model.fit(batches, **how)

    def prepared(self, model: keras.Model) -> keras.Model:
        """A new model, whose layers see whole batches where they have a choice."""
        return model

    def as_alone(self, model: keras.Model) -> contextlib.AbstractContextManager[Any]:
        """Within it, the model is as a single device would have it."""
        return contextlib.nullcontext()

    @abc.abstractmethod
    def shared(self, batches: tf.data.Dataset) -> Any:
        """What this process has of batches that are shared evenly."""

    @abc.abstractmethod
    def for_each(self, batches: tf.data.Dataset) -> Any:
        """What this process has of batches that each replica sees in whole."""

    def evaluated(self, batches: tf.data.Dataset, count: int, size: int) -> Any:
        """What this process has of pictures, so that metrics are those of them all.

        Args:
            batches: Of pictures and labels.
            count: The number of pictures.
            size: That in each batch but the last one.
        """
        if count % self.replicas == 0:
            return self.shared(batches)
        # What is left over can't be shared, and would count more than the rest if each
        # replica saw it: each sees all. Their batches fit into its memory.
        size //= self.replicas
        known = tf.data.experimental.assert_cardinality(math.ceil(count / size))
        return self.for_each(batches.rebatch(size).apply(known))

    def from_chief(self, value: Any) -> Any:
        """The value that the chief has; if it is a refusal, that is raised."""
        return value

    def highest(self, number: int) -> int:
        """The highest of the numbers that the processes have."""
        return number

    def check_batch_size(self, size: int) -> None:
        """Refuses batches that can't be shared evenly.

        Raises:
            RefusedError: If some replicas would have more of a batch than others: the
                mean of theirs would not be that of the batch.
        """
        if size % self.replicas:
            raise RefusedError(
                f"data.batch_size: it is shared by {self.replicas} workers and must be "
                f"a multiple of {self.replicas}. {received(size)}"
            )

    def check_same(self, made_of: dict[str, Any]) -> None:
        """Refuses a training of which the workers have different ideas.

        Args:
            made_of: All that it follows from, by name.
        """
        of_chief = self.from_chief(made_of)
        others = [name for name in made_of if made_of[name] != of_chief.get(name)]
        if self.highest(len(others)):
            what = f"another {others[0]} than the first" if others else "the same"
            raise RefusedError(
                f"--workers: all workers must train the same, and one of them would "
                f"not; this one ({self.process} of {self.processes}) has {what}"
            )


class Alone(Workers):
    """One device."""

    def shared(self, batches: tf.data.Dataset) -> Any:
        return batches

    def for_each(self, batches: tf.data.Dataset) -> Any:
        return batches

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext()


class Mirrored(Workers):
    """The devices of all processes, on TensorFlow.

    Args:
        strategy: Of `tf.distribute`.
        process: The number of this process.
        processes: How many there are.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, process: int = 0, processes: int = 1
    ):
        self._strategy = strategy
        self.process, self.processes = process, processes
        self.replicas = strategy.num_replicas_in_sync
        self._gather = tf.function(self._gather_in_graph, reduce_retracing=True)

    def fit(self, model: keras.Model, batches: Any, **how: Any) -> None:
        if self.processes == 1:
            model.fit(batches, **how)
        else:
            how.pop("shuffle")
            fit_by_loop(model, self._strategy, batches, **how)

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        scope: contextlib.AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def shared(self, batches: tf.data.Dataset) -> Any:
        here = self.replicas // self.processes

        def parts(rows: tf.Tensor) -> tf.Tensor:
            all_parts = tf.reshape(rows, (self.replicas, -1, *rows.shape[1:]))
            return all_parts[self.process * here : (self.process + 1) * here]

        return self._one_after_another(batches, parts)

    def for_each(self, batches: tf.data.Dataset) -> Any:
        here = self.replicas // self.processes
        return self._one_after_another(batches, lambda rows: tf.stack([rows] * here))

    def _one_after_another(
        self, batches: tf.data.Dataset, parts: Callable[[tf.Tensor], tf.Tensor]
    ) -> Any:
        """Batches of which each replica gets one part, of the same size."""
        each = batches.map(lambda *batch: tuple(map(parts, batch))).unbatch()
        # TensorFlow's own way of sharing leaves some replicas without a row of a small
        # batch, and the training stops there.
        return self._strategy.distribute_datasets_from_function(lambda _: each)

    def prepared(self, model: keras.Model) -> keras.Model:
        _synchronize(model, True)
        return model

    @contextlib.contextmanager
    def as_alone(self, model: keras.Model) -> Iterator[None]:
        # Other backends would not load it.
        _synchronize(model, False)
        try:
            yield
        finally:
            _synchronize(model, True)

    def from_chief(self, value: Any) -> Any:
        if self.processes > 1:
            content = pickle.dumps(value) if self.is_chief else b""
            numbers = self._gathered(np.frombuffer(content, np.uint8))
            value = pickle.loads(numbers.astype(np.uint8).tobytes())
        if isinstance(value, RefusedError):
            raise value
        return value

    def highest(self, number: int) -> int:
        return int(max(self._gathered(np.array([number], np.int32))))

    def _gathered(self, values: np.ndarray) -> np.ndarray:
        """The values of all processes, one after another."""
        if self.processes == 1:
            return values

        return self._gather(tf.constant(values.astype(np.int32))).numpy()  # type: ignore[no-any-return]

    def _gather_in_graph(self, values: tf.Tensor) -> tf.Tensor:
        def of_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            # The first of a process speaks for it.
            here = self.replicas // self.processes
            is_first = context.replica_id_in_sync_group % here == 0
            count = tf.where(is_first, tf.size(values), 0)
            return context.all_gather(values[:count], axis=0)

        results = self._strategy.run(of_replica)
        return self._strategy.experimental_local_results(results)[0]


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
            _join()
        return Sharded()
    if backend == "tensorflow":
        return _mirrored_processes() if kind == PROCESSES else _mirrored_devices()
    raise RefusedError(f"--workers {kind}: {_MISSING[backend, kind]}")


_MISSING = {
    ("torch", DEVICES): (
        "Keras has no data parallelism on PyTorch yet (keras#23418); "
        "KERAS_BACKEND=tensorflow or jax has"
    ),
    ("torch", PROCESSES): (
        "Keras's fit goes past DistributedDataParallel, so that each process would "
        "train by itself (keras#23418); KERAS_BACKEND=jax trains by many processes"
    ),
}


def _mirrored_devices() -> Mirrored:
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    return Mirrored(tf.distribute.MirroredStrategy([each.name for each in devices]))


def _mirrored_processes() -> Mirrored:
    text = os.environ.get("TF_CONFIG", "")
    try:
        content = json.loads(text)
        addresses, task = content["cluster"]["worker"], content["task"]
        index = task["index"]
        is_whole = isinstance(index, int) and isinstance(addresses, list)
        if not is_whole or task["type"] != "worker" or len(content["cluster"]) != 1:
            raise ValueError
        if not 0 <= index < len(addresses):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            f"--workers {PROCESSES}: TF_CONFIG must be "
            '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", '
            f'"index": NUMBER}}}}, with a number for each worker from 0. '
            f"{received(text)}"
        ) from error
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return Mirrored(strategy, index, len(addresses))


def _join() -> None:
    """Joins the other processes of the job, which the environment describes.

    Raises:
        RefusedError: If it does not.
    """
    names = [_JOB + name for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")]
    for name in names:
        if not os.environ.get(name):
            raise RefusedError(
                f"--workers {PROCESSES}: the environment must say {', '.join(names)}, "
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


def _synchronize(model: keras.Model, whole_batch: bool) -> None:
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = whole_batch
