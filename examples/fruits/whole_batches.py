"""Batch normalization by the statistics of all devices together, while they train."""

import contextlib
from collections.abc import Iterator

import keras


def normalizing(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """The layers of a model that see its batches as a whole."""
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]


def synchronize(model: keras.Model, whole: bool = True) -> None:
    """Lets batch normalization see the rows of all devices, or those of its own."""
    for layer in normalizing(model):
        layer.synchronized = whole


@contextlib.contextmanager
def unsynchronized(model: keras.Model) -> Iterator[None]:
    """Within it, a model is as before `synchronize`: other backends can load it."""
    synchronize(model, False)
    try:
        yield
    finally:
        synchronize(model)
