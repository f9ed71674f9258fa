"""Distributed weights are updated one by one, to the same result."""

import json
import os
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.optimizers.family import PLAIN

SCRIPT = """
import sys
import numpy as np
import keras
import keras_momentum

def make():
    return getattr(keras_momentum, sys.argv[1])(
        0.05,
        restart_every=5,
        restart_when="gradient",
        skip_nonfinite=True,
        velocity_dtype="float32",
    )

def losses():
    keras.utils.set_random_seed(0)
    hidden = keras.layers.Dense(8, activation="tanh")
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(2)])
    model.compile(make(), "mse")
    x = np.random.default_rng(0).random((32, 4)).astype("float32")
    ramp = keras_momentum.callbacks.GammaRamp(0.2, 0.9)
    history = model.fit(
        x, x[:, :2], batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=[ramp]
    )
    assert model.optimizer.skipped_steps == 0
    assert abs(float(keras.ops.convert_to_numpy(model.optimizer.gamma)) - 0.9) < 1e-6
    return history.history["loss"], model

def velocities(model):
    found = [v for v in model.optimizer.variables if v.path.endswith("_velocity")]
    assert len(found) == 4, found
    return found

alone, _ = losses()
"""
# One replica's gradient alone is broken; all leave the step out.
BROKEN = """
with strategy.scope():
    weight = keras.Variable(np.ones((4, 2), "float32"))
    optimizer = make()
    optimizer.build([weight])
def step(broken):
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    value = tf.where(tf.equal(replica, 1), np.float32(broken), 1.0)
    optimizer.apply([tf.fill((4, 2), value)], [weight])
tf.function(lambda: strategy.run(step, (1.0,)))()
before = [keras.ops.convert_to_numpy(v) for v in [weight, *optimizer.variables]]
tf.function(lambda: strategy.run(step, (float("nan"),)))()
after = [keras.ops.convert_to_numpy(v) for v in [weight, *optimizer.variables]]
changed = [v.name for v, a, b in zip([weight, *optimizer.variables], before, after)
           if not np.array_equal(a, b)]
assert changed == ["skipped_steps"], changed
assert optimizer.skipped_steps == 1
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
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    together, model = losses()
np.testing.assert_allclose(together, alone, rtol=1e-5)
assert all(len(velocity.value.values) == 2 for velocity in velocities(model))
"""
    + BROKEN
)
DATA_PARALLEL = (
    SCRIPT
    + """
keras.distribution.set_distribution(keras.distribution.DataParallel())
together, model = losses()
np.testing.assert_allclose(together, alone, rtol=1e-5)
assert all(len(v.value.sharding.device_set) == 2 for v in velocities(model))
"""
)


# Half of the weights, and of their slots, on each device.
MODEL_PARALLEL = (
    SCRIPT
    + """
mesh = keras.distribution.DeviceMesh((1, 2), ["batch", "model"])
layout = keras.distribution.LayoutMap(mesh)
layout[".*dense.*kernel"] = (None, "model")
keras.distribution.set_distribution(
    keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch")
)
together, model = losses()
np.testing.assert_allclose(together, alone, rtol=1e-5)
for weight, velocity in zip(model.trainable_variables, velocities(model)):
    assert weight.value.sharding.is_fully_replicated == ("bias" in weight.path)
    assert velocity.value.sharding == weight.value.sharding
    np.testing.assert_array_equal(model.optimizer.velocity(weight), velocity.value)
"""
)
# Two processes, each with half of every batch.
WORKERS = """
import json, os, sys
import numpy as np
import tensorflow as tf
strategy = tf.distribute.MultiWorkerMirroredStrategy()
assert strategy.num_replicas_in_sync == 2
import keras
import keras_momentum
x = np.random.default_rng(0).random((8, 4)).astype("float32")
alone_weight = keras.Variable(np.ones((4, 2), "float32"))
make = getattr(keras_momentum, sys.argv[1])
arguments = {"restart_every": 5, "restart_when": "gradient", "skip_nonfinite": True}
alone = make(0.05, **arguments)
def gradient(weight, rows):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((rows @ weight.value - 1.0) ** 2) / len(x)
    return tape.gradient(loss, weight.value)
for t in range(8):
    alone.apply([gradient(alone_weight, x)], [alone_weight])
with strategy.scope():
    weight = keras.Variable(np.ones((4, 2), "float32"))
    optimizer = make(0.05, **arguments)
    optimizer.build([weight])
index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
rows = tf.constant(x[index::2])
@tf.function
def step():
    strategy.run(lambda: optimizer.apply([gradient(weight, rows)], [weight]))
for t in range(8):
    step()
np.testing.assert_allclose(weight.numpy(), alone_weight.numpy(), rtol=1e-5)
print("done")
"""
PROCESSES = """
import os, sys
import numpy as np
import keras
index, count = int(os.environ["PROCESS"]), int(os.environ["COUNT"])
if count > 1:
    keras.distribution.initialize(os.environ["ADDRESS"], count, index)
import keras_momentum
if count > 1:
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)
    )
    import jax
    assert jax.process_count() == 2
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
make = getattr(keras_momentum, sys.argv[1])
model.compile(make(0.05, restart_every=5, restart_when="gradient"), "mse")
x = np.random.default_rng(0).random((32, 4)).astype("float32")[index::count]
history = model.fit(
    x, x[:, :2], batch_size=8 // count, epochs=3, shuffle=False, verbose=0
)
print("losses", *history.history["loss"])
"""


def together(code: str, name: str, environments: list[dict[str, str]]) -> list[str]:
    """Runs one process for each environment; returns what they printed."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, name],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environment in environments
    ]
    results = [process.communicate(timeout=300) for process in processes]
    for process, (_, errors) in zip(processes, results, strict=True):
        assert process.returncode == 0, errors[-3000:]
    return [output for output, _ in results]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's"
)
on_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="keras.distribution is JAX's"
)
family = pytest.mark.parametrize("name", PLAIN)
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


@on_tensorflow
@family
def test_mirrored_strategy_trains_as_one_device_does(name: str) -> None:
    together(MIRRORED, name, [{}])


@on_tensorflow
@pytest.mark.parametrize("name", ["NAG", "MomentumAdam"])
def test_two_workers_train_as_one_does(name: str) -> None:
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    environments = [
        {
            "TF_CONFIG": json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": index},
                }
            )
        }
        for index in range(2)
    ]
    assert all("done" in out for out in together(WORKERS, name, environments))


@on_jax
@family
def test_data_parallel_trains_as_one_device_does(name: str) -> None:
    together(DATA_PARALLEL, name, [TWO_DEVICES])


@on_jax
@family
def test_model_parallel_trains_as_one_device_does(name: str) -> None:
    together(MODEL_PARALLEL, name, [TWO_DEVICES])


@on_jax
@pytest.mark.parametrize("name", ["NAG", "MomentumAdam"])
def test_two_processes_fit_the_same_model(name: str) -> None:
    address = f"127.0.0.1:{free_port()}"
    environments = [
        {"ADDRESS": address, "PROCESS": str(index), "COUNT": "2"} for index in range(2)
    ]
    alone = {"PROCESS": "0", "COUNT": "1"}
    outputs = together(PROCESSES, name, environments)
    outputs += together(PROCESSES, name, [alone])
    first, second, expected = (
        [float(word) for word in output.split("losses")[1].split()]
        for output in outputs
    )
    assert first == second
    np.testing.assert_allclose(first, expected, rtol=1e-5)
