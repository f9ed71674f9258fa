"""`keras.distribution` on two host devices of JAX."""

import sys
from typing import Any

import keras
import numpy as np

from tests.optimizers.distributed.training import tolerance, train, velocities


def train_under(distribution: Any, name: str) -> keras.Model:
    """The model trained under the distribution, after a look at its losses."""
    keras.distribution.set_distribution(distribution)
    together, model = train(name)
    keras.distribution.set_distribution(None)
    np.testing.assert_allclose(together, train(name)[0], rtol=tolerance(name))
    return model


def data_parallel(name: str) -> None:
    model = train_under(keras.distribution.DataParallel(), name)
    for slot in model.optimizer.velocities:
        for velocity in velocities(model, slot):
            assert len(velocity.value.sharding.device_set) == 2


def model_parallel(name: str) -> None:
    """Half of each kernel, and of its velocity, on each device."""
    mesh = keras.distribution.DeviceMesh((1, 2), ["batch", "model"])
    layout = keras.distribution.LayoutMap(mesh)
    layout[".*dense.*kernel"] = (None, "model")
    model = train_under(
        keras.distribution.ModelParallel(layout_map=layout, batch_dim_name="batch"),
        name,
    )
    for slot in model.optimizer.velocities:
        for weight, velocity in zip(
            model.trainable_variables, velocities(model, slot), strict=True
        ):
            assert weight.value.sharding.is_fully_replicated == ("bias" in weight.path)
            assert velocity.value.sharding == weight.value.sharding
            if model.optimizer.velocities == ("velocity",):
                found = model.optimizer.velocity(weight)
                np.testing.assert_array_equal(found, velocity.value)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(name, flush=True)
        data_parallel(name)
        model_parallel(name)
