"""The optimizers that are compared: each of ours with its twin in Keras."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import optimizers

import keras_momentum

Make = Callable[..., keras.optimizers.Optimizer]


class Twins(NamedTuple):
    """Ours and Keras's optimizer with the same formula."""

    keras: Make
    ours: Make


def plain(**kwargs: Any) -> keras.optimizers.Optimizer:
    """Gradient descent without momentum: the floor that both stand on."""
    return optimizers.SGD(0.001, **kwargs)


TWINS: dict[str, Twins] = {
    "momentum": Twins(
        lambda **kwargs: optimizers.SGD(0.001, momentum=0.9, **kwargs),
        lambda **kwargs: keras_momentum.Momentum(0.001, **kwargs),
    ),
    "nesterov": Twins(
        lambda **kwargs: optimizers.SGD(0.001, momentum=0.9, nesterov=True, **kwargs),
        lambda **kwargs: keras_momentum.NAG(0.001, **kwargs),
    ),
    "adam": Twins(
        lambda **kwargs: optimizers.Adam(0.001, **kwargs),
        lambda **kwargs: keras_momentum.MomentumAdam(0.001, **kwargs),
    ),
    "muon": Twins(
        lambda **kwargs: optimizers.Muon(0.001, **kwargs),
        lambda **kwargs: keras_momentum.Muon(0.001, **kwargs),
    ),
    "rmsprop": Twins(
        lambda **kwargs: optimizers.RMSprop(0.001, momentum=0.9, **kwargs),
        lambda **kwargs: keras_momentum.MomentumRMSprop(0.001, **kwargs),
    ),
}
