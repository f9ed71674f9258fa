"""What is saved goes on as if it had not been interrupted."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum

X = np.random.default_rng(0).normal(size=(24, 6)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]


def small_model(optimizer: keras.optimizers.Optimizer) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def fit(model: keras.Model, **arguments: Any) -> list[float]:
    history = model.fit(X, Y, batch_size=4, shuffle=False, verbose=0, **arguments)
    return history.history["loss"]


@pytest.mark.parametrize("form", ["model", "weights"])
def test_training_goes_on_in_mid_ramp_and_between_restarts(
    form: str, tmp_path: Path
) -> None:
    optimizer = keras_momentum.Momentum(0.05, 0.9, restart_every=5)
    model = small_model(optimizer)
    optimizer.ramp_gamma(0.1, 0.95, steps=20)
    fit(model, epochs=2)
    if form == "model":
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
    else:
        model.save_weights(tmp_path / "model.weights.h5")
        restored = small_model(keras_momentum.Momentum(0.05, 0.9))
        restored.optimizer.build(restored.trainable_variables)
        restored.load_weights(tmp_path / "model.weights.h5")
    assert fit(restored, epochs=2) == fit(model, epochs=2)
    assert float(restored.optimizer.gamma) == pytest.approx(0.95)


def test_config_makes_an_optimizer_that_behaves_the_same() -> None:
    schedules: list[Any] = [
        0.8,
        keras_momentum.schedules.LinearRamp(0.2, 0.9, steps=7),
        keras.optimizers.schedules.CosineDecay(0.9, 10),
    ]
    for gamma in schedules:
        first = keras_momentum.Momentum(0.05, gamma, restart_every=3, clipnorm=1.0)
        second = keras.optimizers.deserialize(keras.optimizers.serialize(first))
        assert type(second) is keras_momentum.Momentum
        keras.utils.set_random_seed(1)
        losses = fit(small_model(first), epochs=2)
        keras.utils.set_random_seed(1)
        assert fit(small_model(second), epochs=2) == losses


def test_every_variable_is_listed_once_under_a_path_of_its_own() -> None:
    model = small_model(keras_momentum.Momentum(0.05, 0.9))
    fit(model)
    paths = [variable.path for variable in model.optimizer.variables]
    assert len(paths) == len(set(paths))
    assert sum("velocity" in path for path in paths) >= 1


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="it is TensorFlow's own format"
)
def test_checkpoint_of_tensorflow_restores_all_state(tmp_path: Path) -> None:
    import tensorflow as tf

    optimizer = keras_momentum.Momentum(0.05, 0.3, restart_every=4)
    model = small_model(optimizer)
    fit(model)
    optimizer.gamma = 0.7
    path = tf.train.Checkpoint(optimizer=optimizer).write(str(tmp_path / "state"))
    expected = [variable.numpy() for variable in optimizer.variables]
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable.value))
    tf.train.Checkpoint(optimizer=optimizer).read(path).assert_consumed()
    for variable, value in zip(optimizer.variables, expected, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
