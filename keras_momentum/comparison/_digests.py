"""Short texts that tell data from other data, by content."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np


def digest(structure: Any, length: int = 16) -> str:
    """A text of `length` characters that tells a structure of arrays from others.

    Args:
        structure: Arrays or tensors of any library, sparse and ragged ones, texts and
            `None`, in lists, tuples and dictionaries.
        length: The number of hexadecimal digits.
    """
    found = hashlib.sha256()
    for leaf in _leaves(structure):
        for part in _dense_parts(leaf):
            found.update(f"{part.shape}{part.dtype}".encode())
            for piece in _bytes_of(part):
                found.update(piece)
    found.update(repr(_outline(structure)).encode())
    return found.hexdigest()[:length]


def digest_of_texts(texts: Iterable[str]) -> str:
    """A text of 16 characters that tells texts in their order from others."""
    found = hashlib.sha256()
    for text in texts:
        found.update(f"{len(text)}:{text}".encode())
    return found.hexdigest()[:16]


def _dense_parts(leaf: Any) -> Iterator[np.ndarray]:
    """What a leaf consists of, as NumPy arrays."""
    if hasattr(leaf, "tocoo"):  # SciPy's sparse arrays.
        leaf = leaf.tocoo()
        yield from (np.asarray(leaf.shape), leaf.row, leaf.col, leaf.data)
    elif is_composite(leaf):
        tf = sys.modules["tensorflow"]
        for part in tf.nest.flatten(leaf, expand_composites=True):
            yield np.asarray(part)
    elif hasattr(leaf, "detach"):
        leaf = leaf.detach().cpu()
        # NumPy has no bfloat16 of PyTorch's.
        yield leaf.float().numpy() if "bfloat16" in str(leaf.dtype) else leaf.numpy()
    else:
        yield np.asarray(leaf)


def is_composite(leaf: Any) -> bool:
    """Whether it is a sparse or ragged tensor of TensorFlow."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(leaf, (tf.RaggedTensor, tf.SparseTensor))


def _bytes_of(array: np.ndarray) -> Iterator[Any]:
    if array.dtype != object:
        yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        return
    for item in array.reshape(-1):
        item = item if isinstance(item, bytes) else repr(item).encode()
        yield f"{len(item)}:".encode() + item


def _leaves(structure: Any) -> Iterator[Any]:
    if isinstance(structure, dict):
        for key in sorted(structure, key=str):
            yield from _leaves(structure[key])
    elif isinstance(structure, (list, tuple)):
        for each in structure:
            yield from _leaves(each)
    else:
        yield structure


def _outline(structure: Any) -> Any:
    """The structure without its leaves."""
    if isinstance(structure, dict):
        keys = sorted(structure, key=str)
        return [(str(key), _outline(structure[key])) for key in keys]
    if isinstance(structure, (list, tuple)):
        return [_outline(value) for value in structure]
    return "*"
