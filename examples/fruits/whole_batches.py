"""Batch normalization by the statistics of all devices together, while they train."""

import contextlib
from collections.abc import Iterator

import keras


def synchronize(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Lets batch normalization see the rows of all devices.

    Args:
        model: A copy of which is on each device.

    Returns:
        The layers.
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer.synchronized = True
    return layers


@contextlib.contextmanager
def unsynchronized(model: keras.Model) -> Iterator[None]:
    """Within it, a model is as before `synchronize`: other backends can load it."""
    layers = synchronize(model)
    for layer in layers:
        layer.synchronized = False
    try:
        yield
    finally:
        synchronize(model)
