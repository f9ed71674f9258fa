"""Distributed weights are updated one by one, to the same result."""

import os
import subprocess
import sys

import keras
import pytest

SCRIPT = """
import numpy as np
import keras
import keras_momentum

def losses():
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(8, activation="tanh")
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(2)])
    model.compile(keras_momentum.Momentum(0.05, 0.5, restart_every=5), "mse")
    x = np.random.default_rng(0).random((32, 4)).astype("float32")
    ramp = keras_momentum.callbacks.GammaRamp(0.2, 0.9)
    history = model.fit(
        x, x[:, :2], batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=[ramp]
    )
    slots = [v for v in model.optimizer.variables if "velocity" in v.path]
    assert abs(float(keras.ops.convert_to_numpy(model.optimizer.gamma)) - 0.9) < 1e-6
    return history.history["loss"], len(slots)

alone, _ = losses()
"""
MIRRORED = (
    """
import tensorflow as tf
devices = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], devices
)
"""
    + SCRIPT
    + """
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    together, slots = losses()
np.testing.assert_allclose(together, alone, rtol=1e-5)
assert slots == 4, slots
"""
)
DATA_PARALLEL = (
    SCRIPT
    + """
keras.distribution.set_distribution(keras.distribution.DataParallel())
together, slots = losses()
np.testing.assert_allclose(together, alone, rtol=1e-5)
assert slots == 4, slots
"""
)


def run(code: str, **environment: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's"
)
def test_mirrored_strategy_trains_as_one_device_does() -> None:
    run(MIRRORED)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="keras.distribution: JAX")
def test_data_parallel_trains_as_one_device_does() -> None:
    run(DATA_PARALLEL, XLA_FLAGS="--xla_force_host_platform_device_count=2")
