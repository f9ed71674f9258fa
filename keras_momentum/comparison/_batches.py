"""The data of a comparison: the same batches for all, and whether they were."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_momentum.comparison._arrays import ShuffledArrays
from keras_momentum.comparison._digests import digest
from keras_momentum.comparison._sources import check_given, made_of, source_of
from keras_momentum.comparison._streams import Stream

_LOOKED_AT = 2


class Batches(NamedTuple):
    """What one run trains on.

    Attributes:
        fit: What `fit` gets as `x`.
        steps: The number of batches in an epoch.
        stream: `None` for arrays, whose batches follow from their content.
    """

    fit: Any
    steps: int
    stream: Stream | None = None

    def digest_of(self, epochs: int) -> str:
        """A digest of the batches of the first epochs, where they are looked at."""
        return self.stream.digest_of(epochs * self.steps) if self.stream else ""


class TrainingData:
    """The batches that every optimizer gets, for each seed.

    Args:
        data: As `train_data` of `compare`.
        batch_size: An integer >= 1, for arrays.
        steps_per_epoch: `None` or an integer >= 1; `None` for a whole pass.
    """

    def __init__(self, data: Any, batch_size: int, steps_per_epoch: int | None):
        self._data = data
        self._batch_size = batch_size
        self._steps = steps_per_epoch
        self._counted: dict[int, int] = {}
        self._of_arrays: str | None = None

    def identity(self, seed: int) -> dict[str, Any]:
        """What is known of the data before they are read.

        Raises:
            ValueError: If the first batches are others when training begins once more.
        """
        data = self._made(seed)
        if isinstance(data, ShuffledArrays):
            # Only those of a function differ between the seeds.
            if self._of_arrays is None or callable(self._data):
                self._of_arrays = digest(data.arrays)
            return {"training data": self._of_arrays, "batch_size": self._batch_size}
        first, second = (
            [digest(batch) for batch in itertools.islice(self._once(seed), _LOOKED_AT)]
            for _ in range(2)
        )
        check_given("train_data", self._data, first)
        if first != second:
            raise ValueError(
                "Argument `train_data` must give the same batches in the same order to "
                "every optimizer, and gives others each time it is iterated (does it "
                "shuffle?); pass a function that makes the data from the seed: "
                f"train_data=lambda seed: ... Received: train_data={self._data!r}"
            )
        return {"training data": first}

    def open(self, seed: int, epochs: int = 0) -> Batches:
        """The batches of a seed, from the end of so many epochs on."""
        data = self._made(seed)
        if isinstance(data, ShuffledArrays):
            steps = self._steps or data.batches_per_pass
            return Batches(data.begin_at(epochs * steps), steps)
        steps = self._steps or self._batches_per_pass(seed)
        # Once more, as counting may have used random numbers.
        stream = self._stream(seed)
        first = epochs * steps
        if first:
            # The rest of the batches may depend on having read these.
            stream[first - 1]
        return Batches(stream.for_fit(first), steps, stream)

    def read(self, seed: int, epochs: int) -> Batches:
        """The batches of a seed, read to the end of so many epochs."""
        batches = self.open(seed)
        if batches.stream is not None:
            batches.stream[epochs * batches.steps - 1]
        return batches

    def first_batch(self, seed: int) -> Any:
        """The first batch, of arrays of any library."""
        return next(self._once(seed))

    def _made(self, seed: int) -> Any:
        return made_of(self._data, seed, self._batch_size, "train_data")

    def _stream(self, seed: int) -> Stream:
        return Stream(source_of(self._made(seed), seed, "train_data"), "train_data")

    def _once(self, seed: int) -> Iterator[Any]:
        data = self._made(seed)
        if isinstance(data, ShuffledArrays):
            return iter([data[0]])
        return source_of(data, seed, "train_data").one_pass()

    def _batches_per_pass(self, seed: int) -> int:
        source = source_of(self._made(seed), seed, "train_data")
        if source.is_endless:
            raise ValueError(
                "Argument `steps_per_epoch` must be given, as `train_data` has no end. "
                "Received: steps_per_epoch=None"
            )
        if source.length is not None:
            return source.length
        if seed not in self._counted:
            self._counted[seed] = sum(1 for _ in source.one_pass())
        return self._counted[seed]


class KeptBatches(keras.utils.PyDataset):
    """Batches that are kept in memory.

    Args:
        batches: The batches.
    """

    def __init__(self, batches: list[Any]):
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        return self._batches[index]


def first_batches(data: Any, batch_size: int, seed: int, count: int) -> KeptBatches:
    """The first batches, of as many passes through the data as are needed for them.

    Args:
        data: As for `TrainingData`.
        batch_size: An integer >= 1, for arrays.
        seed: An integer >= 0.
        count: The number of batches.

    Raises:
        ValueError: If there are none.
    """
    found: list[Any] = []
    while len(found) < count:
        batches = made_of(data, seed, batch_size, "data")
        if isinstance(batches, ShuffledArrays):
            return KeptBatches([batches[place] for place in range(count)])
        source = source_of(batches, None, "data")
        more = list(itertools.islice(source.one_pass(), count - len(found)))
        check_given("data", data, more)
        found += [keras.tree.map_structure(_kept, batch) for batch in more]
    return KeptBatches(found)


def _kept(leaf: Any) -> Any:
    """A leaf of a batch that nobody changes later; sparse ones stay as they are."""
    return np.array(leaf) if hasattr(leaf, "__array__") else leaf
