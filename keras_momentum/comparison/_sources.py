"""What `fit` takes as training data, read one batch after another."""

import collections
import itertools
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_momentum.comparison._arrays import (
    ShuffledArrays,
    as_arrays,
    needs_tf_data,
    shuffled_by_tf_data,
)


class Source(NamedTuple):
    """Data that are read one batch after another.

    Attributes:
        one_pass: A function that begins a pass through the data.
        length: The number of batches in a pass; `None` where it is not known.
        is_endless: Whether a pass has no end.
        spec: `None` or the `element_spec` of a `tf.data.Dataset`.
        repeats: Whether there is a second pass.
    """

    one_pass: Callable[[], Iterator[Any]]
    length: int | None
    is_endless: bool = False
    spec: Any = None
    repeats: bool = True


def made_of(data: Any, seed: int, batch_size: int, argument: str) -> Any:
    """The data of a seed: `ShuffledArrays`, or what `source_of` takes.

    All random numbers are seeded here, so that a function that makes the data may use
    them.

    Args:
        data: The data, or a function that takes the seed and returns them.
        seed: An integer >= 0.
        batch_size: An integer >= 1, for arrays.
        argument: What the data are called in messages.

    Raises:
        TypeError: If the data can be iterated only once, or are one array.
    """
    keras.utils.set_random_seed(seed)
    is_function = callable(data) and not isinstance(data, keras.utils.PyDataset)
    if isinstance(data, Iterator):
        raise TypeError(
            f"Argument `{argument}` can be iterated only once; pass a function that "
            f"takes the seed and returns it: {argument}=lambda seed: ... "
            f"Received: {argument}={data!r}"
        )
    if is_function:
        data = data(seed)
    if hasattr(data, "shape"):
        raise TypeError(
            f"Argument `{argument}` must be a tuple of arrays, (x, y) or (x, y, "
            f"sample_weight). Received: one array of shape {tuple(data.shape)}"
        )
    if isinstance(data, (tuple, list)):
        arrays = tuple(map(as_arrays, data))
        if needs_tf_data(arrays):
            return shuffled_by_tf_data(arrays, batch_size, seed)
        return ShuffledArrays(arrays, batch_size, seed)
    return data


def check_given(argument: str, data: Any, batches: Sequence[Any]) -> None:
    """Raises `ValueError` if data gave no batch."""
    if not batches:
        raise ValueError(
            f"Argument `{argument}` must give at least one batch. "
            f"Received: {argument}={data!r}"
        )


def source_of(data: Any, seed: int | None, argument: str) -> Source:
    """How data that `fit` takes as `x` are read.

    Args:
        data: A `tf.data.Dataset`, a `PyDataset`, a `DataLoader` or a generator.
        seed: An integer >= 0, from which the order of a `PyDataset` follows, as `fit`
            shuffles it; `None` for its own order, as in a validation.
        argument: What the data are called in messages.

    Raises:
        TypeError: If they are none of these.
    """
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(data).__mro__}
    if isinstance(data, keras.utils.PyDataset):
        return _of_py_dataset(data, seed)
    if any(kind.endswith(".DatasetV2") for kind in kinds):
        cardinality = int(data.cardinality())
        # -1 stands for no end, -2 for one that is not known.
        length = cardinality if cardinality >= 0 else None
        return Source(data.__iter__, length, cardinality == -1, data.element_spec)
    if any(kind.startswith("torch.utils.data") for kind in kinds):
        length = len(data) if hasattr(data.dataset, "__len__") else None
        return Source(lambda: map(_from_torch, data), length)
    if isinstance(data, (types.GeneratorType, Iterator)):
        return Source(lambda: data, None, is_endless=True, repeats=False)
    raise TypeError(
        f"Argument `{argument}` must be a tuple of arrays, a tf.data.Dataset, a "
        "PyDataset, a DataLoader, or a function that takes the seed and returns one of "
        f"these or a generator. Received: {argument}={data!r}"
    )


def _of_py_dataset(data: Any, seed: int | None) -> Source:
    length = data.num_batches
    passes = itertools.count()

    def one_pass() -> Iterator[Any]:
        number = next(passes)
        data.on_epoch_begin()
        if length is None:
            order: Any = itertools.count()
        elif seed is None:
            order = range(length)
        else:
            order = np.random.default_rng((seed, number)).permutation(length).tolist()
        yield from _read(data, order)
        data.on_epoch_end()

    return Source(one_pass, length, is_endless=length is None)


def _read(data: Any, order: Any) -> Iterator[Any]:
    """Batches in an order, read by as many threads as the data have workers."""
    if data.workers <= 1:
        yield from map(data.__getitem__, order)
        return
    with ThreadPoolExecutor(data.workers) as pool:
        order = iter(order)
        ahead: collections.deque[Any] = collections.deque()
        for index in itertools.islice(order, max(1, data.max_queue_size)):
            ahead.append(pool.submit(data.__getitem__, index))
        while ahead:
            batch = ahead.popleft().result()
            for index in itertools.islice(order, 1):
                ahead.append(pool.submit(data.__getitem__, index))
            yield batch


def _from_torch(batch: Any) -> Any:
    batch = tuple(batch) if isinstance(batch, list) else batch
    return keras.tree.map_structure(lambda tensor: np.asarray(tensor.cpu()), batch)
