"""The training that is the same on one device and on several."""

from typing import Any

import keras
import numpy as np
from keras import ops

import keras_momentum


def make(name: str) -> keras_momentum.optimizers.MomentumOptimizer:
    """An optimizer that uses what has to be the same on all devices."""
    return getattr(keras_momentum, name)(
        0.05,
        restart_every=5,
        restart_when="gradient",
        skip_nonfinite=True,
        velocity_dtype="float32",
    )


def train(
    name: str, process: int = 0, processes: int = 1
) -> tuple[list[float], keras.Model]:
    """Trains a small model by the optimizer `name`.

    Of several processes each has its part of every batch.

    Returns:
        Its losses and what callbacks saw, in each epoch, and the model.
    """
    optimizer = make(name)
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(8, activation="tanh")
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(2)])
    model.compile(optimizer, "mse")
    x = np.random.default_rng(0).random((32, 4)).astype("float32")
    x = x[process::processes]
    callbacks = [
        keras_momentum.callbacks.GammaRamp(0.2, 0.9),
        keras_momentum.callbacks.MomentumMonitor(),
        keras_momentum.callbacks.OvershootGuard(action="restart", window=10),
    ]
    if isinstance(optimizer, keras_momentum.NAG):
        callbacks.append(keras_momentum.callbacks.EvaluateAtIterate())
    history = model.fit(
        x,
        x[:, :2],
        batch_size=8 // processes,
        epochs=3,
        shuffle=False,
        validation_data=(x, x[:, :2]),
        validation_batch_size=8 // processes,
        verbose=0,
        callbacks=callbacks,
    )
    assert optimizer.skipped_steps == 0
    np.testing.assert_allclose(ops.convert_to_numpy(optimizer.gamma), 0.9, rtol=1e-6)
    seen = ("loss", "val_loss", "velocity_norm", "cosine", "update_ratio")
    return [value for key in seen for value in history.history[key]], model


def velocities(model: keras.Model, name: str) -> list[Any]:
    """The variables of a slot, one for each weight, as nothing is packed here."""
    slots = model.optimizer._slots
    return [slots.of(i)[name] for i in range(len(model.trainable_variables))]


def tolerance(name: str) -> float:
    """By how much two trainings that differ by rounding may differ."""
    return 5e-5 if name == "Muon" else 1e-5  # See `tests.optimizers.family.Case`.
