"""`tf.distribute.MultiWorkerMirroredStrategy`: two processes, half a batch each.

By a loop of its own, as Keras 3.15's `fit` fails there (keras#20585).
"""

import json
import os
import sys
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.optimizers.distributed.training import make, tolerance


def main(name: str) -> None:
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    assert strategy.num_replicas_in_sync == 2
    x = np.random.default_rng(0).random((8, 4)).astype("float32")
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    half = tf.constant(x[index::2])

    def start() -> tuple[Any, Any]:
        weight = keras.Variable(np.ones((4, 2), "float32"))
        optimizer = make(name)
        optimizer.build([weight])
        return optimizer, weight

    def update(optimizer: Any, weight: Any, rows: Any) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((rows @ weight.value - 1.0) ** 2) / len(x)
        optimizer.apply([tape.gradient(loss, weight.value)], [weight])

    alone, weight_alone = start()
    with strategy.scope():
        together, weight = start()

    @tf.function
    def step() -> None:
        strategy.run(lambda: update(together, weight, half))

    for _ in range(8):
        update(alone, weight_alone, x)
        step()
    np.testing.assert_allclose(
        weight.numpy(), weight_alone.numpy(), rtol=tolerance(name)
    )


if __name__ == "__main__":
    main(sys.argv[1])
