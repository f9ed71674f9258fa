"""Which momentum should I use? Each gamma at the best of its own learning rates."""

import keras
import numpy as np

import keras_momentum as km

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(1500, 2))  # Your data.
y = np.sin(3 * x[:, 0]) > x[:, 1]
layers = [keras.layers.Dense(32, "tanh"), keras.layers.Dense(1, "sigmoid")]
model = keras.Sequential([keras.Input((2,)), *layers])  # Your model, compiled.
model.compile(km.NAG(0.5), loss="binary_crossentropy", metrics=["accuracy"])
search = km.comparison.find_gamma(model, (x[:1000], y[:1000]), steps=300)
search.draw("which_momentum.png")
search.to_tensorboard("runs/which_momentum")
