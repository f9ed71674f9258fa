"""A small model, and the losses of training it."""

from typing import Any

import keras
import numpy as np

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]


def small_model(optimizer: Any, **layer: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh", **layer),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def fit(model: keras.Model, **arguments: Any) -> list[float]:
    arguments = {"batch_size": 4, "epochs": 2, "shuffle": False, **arguments}
    return model.fit(X, Y, verbose=0, **arguments).history["loss"]


def losses(optimizer: Any, **arguments: Any) -> list[float]:
    keras.utils.set_random_seed(3)
    return fit(small_model(optimizer), **arguments)
