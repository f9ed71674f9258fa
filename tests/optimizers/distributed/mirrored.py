"""`tf.distribute.MirroredStrategy` on two logical CPUs."""

import sys

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tests.optimizers.distributed.training import make, tolerance, train, velocities


def fit_as_on_one_device(strategy: tf.distribute.Strategy, name: str) -> None:
    alone, _ = train(name)
    with strategy.scope():
        together, model = train(name)
    np.testing.assert_allclose(together, alone, rtol=tolerance(name))
    for slot in model.optimizer.velocities:
        for velocity in velocities(model, slot):
            assert len(velocity.value.values) == 2


def leave_out_a_step_of_which_one_replica_is_broken(
    strategy: tf.distribute.Strategy, name: str
) -> None:
    with strategy.scope():
        weight = keras.Variable(np.ones((4, 2), "float32"))
        optimizer = make(name)
        optimizer.build([weight])

    def step(second: float) -> None:
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        value = tf.where(tf.equal(replica, 1), np.float32(second), 1.0)
        optimizer.apply([tf.fill((4, 2), value)], [weight])

    state = [weight, *optimizer.variables]
    tf.function(lambda: strategy.run(step, (1.0,)))()
    before = [ops.convert_to_numpy(variable) for variable in state]
    tf.function(lambda: strategy.run(step, (float("nan"),)))()
    after = [ops.convert_to_numpy(variable) for variable in state]
    changed = [
        variable.name
        for variable, a, b in zip(state, before, after, strict=True)
        if not np.array_equal(a, b)
    ]
    assert changed == ["counts"], changed
    assert optimizer.skipped_steps == 1


def main(names: list[str]) -> None:
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert strategy.num_replicas_in_sync == 2
    for name in names:
        print(name, flush=True)
        fit_as_on_one_device(strategy, name)
        leave_out_a_step_of_which_one_replica_is_broken(strategy, name)


if __name__ == "__main__":
    main(sys.argv[1:])
