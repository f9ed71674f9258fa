"""Which momentum should I use? The answer, in a table, a picture and TensorBoard."""

import keras
import numpy as np

import keras_momentum as km

x = np.random.default_rng(0).normal(size=(1500, 2))  # Your data.
y = np.sin(3 * x[:, 0]) > x[:, 1]


def build_model() -> keras.Model:  # Your model, compiled.
    layers = [keras.layers.Dense(32, "tanh"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    return model


optimizers = {f"NAG {g}": km.NAG(0.1, momentum=g) for g in (0.0, 0.5, 0.9, 0.99)}
train, validation = (x[:1000], y[:1000]), (x[1000:], y[1000:])
km.comparison.compare(build_model, optimizers, train, validation, epochs=10, target=0.9)
