"""Batches of training data whose order follows from a seed."""

import functools
import hashlib
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

_LOOKED_AT = 2


class ShuffledArrays(keras.utils.PyDataset):
    """Endless batches of arrays; which is the n-th follows from n and the seed alone.

    In each pass through the arrays the order is another one.

    Args:
        arrays: A structure of arrays of the same length.
        batch_size: An integer >= 1.
        seed: An integer >= 0.

    Attributes:
        batches_per_pass: The number of batches in one pass.
    """

    num_batches = None

    def __init__(self, arrays: Any, batch_size: int, seed: int):
        super().__init__()
        self._arrays = keras.tree.map_structure(np.asarray, arrays)
        lengths = [len(array) for array in keras.tree.flatten(self._arrays)]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(
                "The arrays of training data must all have the same length, of at "
                f"least 1. Received: lengths {lengths}"
            )
        self._batch_size = batch_size
        self._order = functools.lru_cache(maxsize=2)(
            lambda number: np.random.default_rng((seed, number)).permutation(lengths[0])
        )
        self.batches_per_pass = -(-lengths[0] // batch_size)

    def __getitem__(self, index: int) -> Any:
        number, place = divmod(index, self.batches_per_pass)
        begin = place * self._batch_size
        chosen = self._order(number)[begin : begin + self._batch_size]
        return keras.tree.map_structure(lambda array: array[chosen], self._arrays)


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


def training_batches(data: Any, batch_size: int, seed: int) -> Any:
    """What `fit` gets to train on, the same for each seed.

    All random numbers are seeded here.

    Args:
        data: A tuple of arrays, `(x, y)` or `(x, y, sample_weight)`; what `fit` takes
            as `x` (a `tf.data.Dataset`, a `PyDataset`, a `DataLoader`); or a function
            that takes the seed and returns one of these, or a generator.
        batch_size: An integer >= 1, for arrays.
        seed: An integer >= 0.

    Raises:
        TypeError: If the data can be iterated only once, or are one array.
    """
    keras.utils.set_random_seed(seed)
    if isinstance(data, Iterator):
        raise TypeError(
            "The training data can be iterated only once; pass a function that takes "
            f"the seed and returns them. Received: {data!r}"
        )
    if hasattr(data, "shape"):
        raise TypeError(
            "The training data must be a tuple of arrays, (x, y) or (x, y, "
            f"sample_weight). Received: one array of shape {tuple(data.shape)}"
        )
    if callable(data) and not isinstance(data, keras.utils.PyDataset):
        data = data(seed)
    if isinstance(data, (tuple, list)):
        return ShuffledArrays(tuple(map(_as_arrays, data)), batch_size, seed)
    return data


def first_batches(data: Any, batch_size: int, seed: int, count: int) -> KeptBatches:
    """The first batches, of as many passes through the data as are needed for them.

    Args:
        data: As for `training_batches`.
        batch_size: An integer >= 1, for arrays.
        seed: An integer >= 0.
        count: The number of batches.

    Raises:
        ValueError: If there are none.
    """
    found: list[Any] = []
    while len(found) < count:
        batches = training_batches(data, batch_size, seed)
        more = list(itertools.islice(_iterate(batches), count - len(found)))
        if not more:
            raise ValueError(
                f"Argument `data` must give at least one batch. Received: data={data!r}"
            )
        found += more
    return KeptBatches(found)


def digest_of_batches(data: Any, batch_size: int, seed: int) -> str:
    """A digest of the first batches.

    Raises:
        ValueError: If they are others when the training begins once more.
    """
    first, second = (
        digest(
            itertools.islice(
                _iterate(training_batches(data, batch_size, seed)), _LOOKED_AT
            )
        )
        for _ in range(2)
    )
    if first != second:
        raise ValueError(
            "The training data must give the same batches in the same order to every "
            "optimizer, and give others each time they are iterated (do they shuffle?);"
            " pass a function that makes them from the seed: "
            f"train_data=lambda seed: ... Received: train_data={data!r}"
        )
    return first


def digest(structures: Any) -> str:
    """A short text that tells arrays from others."""
    found = hashlib.sha256()
    for structure in structures:
        for array in keras.tree.flatten(structure):
            found.update(f"{array.shape}{array.dtype}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:16]


def _as_arrays(part: Any) -> Any:
    """Lists of numbers as arrays; a list of arrays, several inputs, as a tuple."""
    if not all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(part)):
        return np.asarray(part)
    return tuple(part) if isinstance(part, list) else part


def _iterate(batches: Any) -> Iterator[Any]:
    """One batch after another, as structures of NumPy arrays."""
    for batch in batches:
        yield keras.tree.map_structure(np.array, batch)
