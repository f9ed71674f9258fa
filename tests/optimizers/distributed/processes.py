"""`keras.distribution` over two processes of JAX, half a batch each, by `fit`."""

import os
import sys

import jax
import keras

from tests.optimizers.distributed.training import train


def main(name: str) -> None:
    index, count = int(os.environ["PROCESS"]), int(os.environ["COUNT"])
    if count > 1:
        keras.distribution.initialize(os.environ["ADDRESS"], count, index)
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    assert jax.process_count() == count
    losses, _ = train(name, index, count)
    print("losses", *losses)


if __name__ == "__main__":
    main(sys.argv[1])
