"""The data on which every run is validated: the same for all."""

import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._arrays import as_arrays
from keras_momentum.comparison._batches import KeptBatches
from keras_momentum.comparison._digests import digest, digest_of_texts
from keras_momentum.comparison._sources import check_given, source_of


class ValidationData:
    """What every run is validated on, read twice to see that it stays the same.

    Args:
        data: `None`, a tuple of arrays, what `fit` takes as `validation_data` and can
            iterate again, or a function without arguments that returns one of these, or
            a generator, whose batches are kept in memory.
        steps: `None` or the number of batches, as `validation_steps` of `fit`.

    Raises:
        TypeError: If the data can be iterated only once, or are of an unknown kind.
        ValueError: If they are others each time, are none, or have no end.

    Attributes:
        for_fit: What `fit` gets as `validation_data`.
        identity: A digest of all of them.
    """

    def __init__(self, data: Any, steps: int | None):
        self.for_fit: Any = None
        self.identity = ""
        if data is None:
            return
        if isinstance(data, Iterator):
            raise TypeError(
                "Argument `validation_data` can be iterated only once; pass a function "
                "that returns it: validation_data=lambda: ... "
                f"Received: validation_data={data!r}"
            )
        if callable(data) and not isinstance(data, keras.utils.PyDataset):
            data = data()
            if isinstance(data, Iterator):
                data = KeptBatches(list(itertools.islice(data, steps)))
        if isinstance(data, (tuple, list)):
            data = tuple(map(as_arrays, data))
            lengths = {len(leaf) for leaf in _with_length(data)}
            if lengths == {0} or len(lengths) > 1:
                raise ValueError(
                    "Argument `validation_data` must have arrays of the same length, "
                    f"of at least 1. Received: lengths {sorted(lengths)}"
                )
            self.identity = digest(data)
        else:
            first, second = (list(_digests(data, steps)) for _ in range(2))
            _check(data, first, second)
            self.identity = digest_of_texts(first)
        self.for_fit = data


def _with_length(data: Any) -> list[Any]:
    """The arrays that say how long they are; sparse ones don't."""
    leaves = keras.tree.flatten(data)
    return [leaf for leaf in leaves if isinstance(leaf, np.ndarray)]


def _digests(data: Any, steps: int | None) -> Iterator[str]:
    """A digest of each batch."""
    source = source_of(data, None, "validation_data")
    if source.is_endless and steps is None:
        raise ValueError(
            "Argument `validation_steps` must be given, as `validation_data` have no "
            "end. Received: validation_steps=None"
        )
    for batch in itertools.islice(source.one_pass(), steps):
        yield digest(batch)


def _check(data: Any, first: list[str], second: list[str]) -> None:
    check_given("validation_data", data, first)
    if first != second:
        raise ValueError(
            "Argument `validation_data` must give the same batches in the same order "
            "each time, and gives others (does it shuffle?); leave the shuffling out. "
            f"Received: validation_data={data!r}"
        )
