"""Many workers on TensorFlow: a copy of the network on each device."""

import contextlib
import json
import os
import pickle
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fruits import job
from fruits.errors import RefusedError, received
from fruits.replicas import Workers
from fruits.whole_batches import synchronize, unsynchronized
from fruits.worker_loop import fit_by_loop


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
        synchronize(model)
        return model

    def as_alone(self, model: keras.Model) -> contextlib.AbstractContextManager[Any]:
        return unsynchronized(model)

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
        gathered: np.ndarray = self._gather(tf.constant(values, tf.int32)).numpy()
        return gathered

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


def mirrored_devices() -> Mirrored:
    """The GPUs of this machine, or its CPUs."""
    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    return Mirrored(tf.distribute.MirroredStrategy([each.name for each in devices]))


def mirrored_processes() -> Mirrored:
    """The processes that TF_CONFIG describes.

    Raises:
        RefusedError: If it does not.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        content = json.loads(text)
        addresses, task = content["cluster"]["worker"], content["task"]
        index = task["index"]
        is_whole = type(index) is int and isinstance(addresses, list)
        if not is_whole or task["type"] != "worker" or len(content["cluster"]) != 1:
            raise ValueError
        if not 0 <= index < len(addresses):
            raise ValueError
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            "--workers processes: TF_CONFIG must be "
            '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", '
            f'"index": NUMBER}}}}, with a number for each worker from 0. '
            f"{received(text)}"
        ) from error
    for place, address in enumerate(addresses):
        job.check_address("TF_CONFIG", str(address), is_own=place == index)
    with job.waiting(len(addresses)):
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return Mirrored(strategy, index, len(addresses))
