"""Batches of arrays, whose order follows from a seed."""

import functools
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._digests import is_composite


class ShuffledArrays(keras.utils.PyDataset):
    """Endless batches of arrays; which is the n-th follows from n and the seed alone.

    In each pass through the arrays the order is another one.

    Args:
        arrays: A structure of arrays of the same length.
        batch_size: An integer >= 1.
        seed: An integer >= 0.
        first: The number of the batch with which it begins. Defaults to `0`.

    Attributes:
        arrays: The argument, as NumPy arrays.
        batches_per_pass: The number of batches in one pass.
    """

    num_batches = None

    def __init__(self, arrays: Any, batch_size: int, seed: int, first: int = 0):
        super().__init__()
        self.arrays = keras.tree.map_structure(np.asarray, arrays)
        lengths = [len(array) for array in keras.tree.flatten(self.arrays)]
        if len(set(lengths)) != 1 or not lengths[0]:
            raise ValueError(
                "The arrays of training data must all have the same length, of at "
                f"least 1. Received: lengths {lengths}"
            )
        self._batch_size = batch_size
        self._seed = seed
        self._order = functools.lru_cache(maxsize=2)(
            lambda number: np.random.default_rng((seed, number)).permutation(lengths[0])
        )
        self._first = first
        self.batches_per_pass = -(-lengths[0] // batch_size)

    def begin_at(self, first: int) -> "ShuffledArrays":
        """The same batches from another one on."""
        return ShuffledArrays(self.arrays, self._batch_size, self._seed, first)

    def __getitem__(self, index: int) -> Any:
        number, place = divmod(self._first + index, self.batches_per_pass)
        begin = place * self._batch_size
        chosen = self._order(number)[begin : begin + self._batch_size]
        return keras.tree.map_structure(lambda array: array[chosen], self.arrays)


def as_arrays(part: Any) -> Any:
    """Lists of numbers as arrays; a list of arrays, several inputs, as a tuple."""
    if not all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(part)):
        return np.asarray(part)
    return tuple(part) if isinstance(part, list) else part


def needs_tf_data(arrays: Any) -> bool:
    """Whether there are texts, ragged or sparse arrays, which tf.data can shuffle."""
    return any(
        hasattr(leaf, "tocoo")
        or is_composite(leaf)
        or getattr(leaf, "dtype", None) == "string"
        or (isinstance(leaf, np.ndarray) and leaf.dtype.kind in "USO")
        for leaf in keras.tree.flatten(arrays)
    )


def shuffled_by_tf_data(arrays: Any, batch_size: int, seed: int) -> Any:
    """A `tf.data.Dataset` of the arrays, shuffled as a whole in each pass."""
    import tensorflow as tf

    def tensor(leaf: Any) -> Any:
        if not hasattr(leaf, "tocoo"):
            return leaf
        leaf = leaf.tocoo()
        places = np.stack([leaf.row, leaf.col], axis=1).astype("int64")
        return tf.sparse.reorder(tf.SparseTensor(places, leaf.data, leaf.shape))

    data = tf.data.Dataset.from_tensor_slices(keras.tree.map_structure(tensor, arrays))
    return data.shuffle(int(data.cardinality()), seed=seed).batch(batch_size)
