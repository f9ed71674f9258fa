"""Data that end without notice: TensorFlow then begins a step too many."""

from typing import Any

import keras
import numpy as np

from keras_momentum.schedules import LinearRamp
from tests.optimizers.family import Case, family

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def trained(case: Case, is_known: bool) -> keras.Model:
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    if not is_known:
        batches = batches.filter(lambda x, y: True)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    ramp = LinearRamp(0.2, 0.9, steps=12)
    model.compile(case.make(0.05, ramp, restart_every=5), "mse")
    model.set_weights([np.ones((3, 1)), np.zeros(1)])
    model.fit(batches, epochs=4, verbose=0)
    return model


@family
def test_a_batch_that_does_not_come_counts_nowhere(case: Case) -> None:
    # In Keras it counts in `iterations`, once an epoch, and so in every schedule.
    unknown, known = trained(case, is_known=False), trained(case, is_known=True)
    assert int(unknown.optimizer.iterations) == 12
    for ours, theirs in zip(unknown.get_weights(), known.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    state: list[list[Any]] = [
        [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables]
        for model in (unknown, known)
    ]
    for ours, theirs in zip(*state, strict=True):
        np.testing.assert_array_equal(ours, theirs)
