"""`keras.distribution` over two processes of JAX, half a batch each, by `fit`."""

import os
import sys

import jax
import keras
import numpy as np

import keras_momentum


def main(name: str) -> None:
    index, count = int(os.environ["PROCESS"]), int(os.environ["COUNT"])
    if count > 1:
        keras.distribution.initialize(os.environ["ADDRESS"], count, index)
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    assert jax.process_count() == count
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    optimizer = getattr(keras_momentum, name)(
        0.05, restart_every=5, restart_when="gradient"
    )
    model.compile(optimizer, "mse")
    x = np.random.default_rng(0).random((32, 4)).astype("float32")[index::count]
    history = model.fit(
        x, x[:, :2], batch_size=8 // count, epochs=3, shuffle=False, verbose=0
    )
    print("losses", *history.history["loss"])


if __name__ == "__main__":
    main(sys.argv[1])
