"""Which momentum should I use? An answer, in TensorBoard, a table and a picture."""

import keras
import numpy as np

import keras_momentum as km


def build_model() -> keras.Model:  # Your own model, compiled.
    layers = [keras.layers.Dense(32, "tanh"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((2,)), *layers])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    return model


x = np.random.default_rng(0).normal(size=(2000, 2))  # Your own data.
y = np.sin(3 * x[:, 0]) > x[:, 1]
optimizers = {
    "Adam": "adam",
    "Momentum": km.Momentum(0.1, momentum=0.9),
    "NAG": km.NAG(0.1, momentum=0.9),
    "MomentumAdam": km.MomentumAdam(0.01, beta_1=0.8),
}
km.comparison.compare(
    build_model, optimizers, (x[:1500], y[:1500]), (x[1500:], y[1500:]), epochs=20
)
