"""One of several processes of PyTorch that train together, with a seed of its own.

    python tests/examples/own_seed.py FILE

Its weights go to FILE with its number behind the name.
"""

import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
from fruits.averaged import averaged_processes


def main() -> None:
    workers = averaged_processes()
    keras.utils.set_random_seed(workers.process)
    layers = [keras.layers.Dense(3), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    workers.prepared(model)
    model.fit(np.random.rand(64, 4), np.random.rand(64, 3), batch_size=8, verbose=0)
    weights = [np.ravel(weight) for weight in model.get_weights()]
    np.save(f"{sys.argv[1]}{workers.process}", np.concatenate(weights))


if __name__ == "__main__":
    main()
