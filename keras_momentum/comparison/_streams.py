"""Batches that are looked at while a model trains on them."""

import hashlib
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import keras

from keras_momentum.comparison._digests import digest
from keras_momentum.comparison._sources import Source
from keras_momentum.comparison._state import RandomState

# Of each batch; enough that no two batches of a training have the same by chance.
_BYTES = 8
# What is kept for those who look at the first batches before they train on them.
_KEPT = 8


class Stream:
    """The batches of a training by their place in it, each with a digest.

    Args:
        source: From where they come; after one pass the next one begins.
        argument: What the data are called in messages.

    Attributes:
        error: The exception with which reading ended, if it did: TensorFlow hands
            another one on.
    """

    def __init__(self, source: Source, argument: str):
        self._source = source
        self._argument = argument
        self._batches = self._endless()
        self._kept: dict[int, Any] = {}
        self._digests = bytearray()
        self._lock = threading.Lock()
        self._random = RandomState()
        self.error: Exception | None = None

    def __getitem__(self, place: int) -> Any:
        """The batch of a place, at most a few behind the last one that was read."""
        with self._lock:
            while self._read <= place:
                batch = self._next()
                self._kept[self._read - 1] = batch
                self._kept.pop(self._read - 1 - _KEPT, None)
            return self._kept[place]

    def digest_of(self, count: int) -> str:
        """A digest of the first batches, which have been read."""
        seen = self._digests[: count * _BYTES]
        return hashlib.sha256(seen).hexdigest()[:16]

    def first_difference(self, other: "Stream", places: range) -> int | None:
        """The first of some places whose batch another stream has not."""
        part = slice(places.start * _BYTES, places.stop * _BYTES)
        mine, others = self._digests[part], other._digests[part]
        length = min(len(mine), len(others))
        if mine[:length] == others[:length]:
            return None
        differs = (at for at in range(length) if mine[at] != others[at])
        return places.start + next(differs) // _BYTES

    def end(self) -> None:
        """Lets go of all but the digests."""
        self._kept.clear()
        self._batches = iter(())

    def for_fit(self, first: int) -> Any:
        """What `fit` gets: the batches from a place on, without an end."""
        if keras.backend.backend() == "tensorflow":
            return self._tf_dataset(first)
        return _Endless(self, first)

    def _tf_dataset(self, first: int) -> Any:
        import tensorflow as tf
        from keras.src.trainers.data_adapters.data_adapter_utils import get_tensor_spec

        spec = self._source.spec
        if spec is None:
            # As Keras does where there is no specification.
            spec = get_tensor_spec([self[first], self[first + 1]])

        def batches() -> Iterator[Any]:
            return (self[place] for place in itertools.count(first))

        # Nothing is read ahead: not while a callback looks at random numbers.
        return tf.data.Dataset.from_generator(batches, output_signature=spec)

    @property
    def _read(self) -> int:
        return len(self._digests) // _BYTES

    def _next(self) -> Any:
        if self.error is not None:
            raise self.error
        # Data have random numbers of their own, wherever a training is with its.
        outer = RandomState()
        self._random.restore()
        try:
            batch = next(self._batches)
            self._random = RandomState()
            self._digests += bytes.fromhex(digest(batch, 2 * _BYTES))
        except StopIteration:
            self.error = ValueError(
                f"Argument `{self._argument}` must go on until the last epoch ends; "
                "let the generator have no end, and pass `steps_per_epoch`. "
                f"Received: data that end after {self._read} batches"
            )
            raise self.error from None
        except Exception as error:
            self.error = error
            raise
        finally:
            outer.restore()
        return batch

    def _endless(self) -> Iterator[Any]:
        while True:
            before = self._read
            for batch in self._source.one_pass():
                yield tuple(batch) if isinstance(batch, list) else batch
            if self._read == before or not self._source.repeats:
                return


class _Endless(keras.utils.PyDataset):
    """A stream from a place on, for `fit`."""

    num_batches = None

    def __init__(self, stream: Stream, first: int):
        super().__init__()
        self._stream = stream
        self._first = first

    def __getitem__(self, index: int) -> Any:
        batch = self._stream[self._first + index]
        if keras.backend.backend() == "torch":
            # Keras has no sparse tensors there.
            return keras.tree.map_structure(_dense, batch)
        return batch


def _dense(leaf: Any) -> Any:
    if type(leaf).__name__ != "SparseTensor":
        return leaf
    import tensorflow as tf

    return tf.sparse.to_dense(leaf).numpy()
