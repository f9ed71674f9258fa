"""Which library may use the GPU, and how much of it."""

import keras
import tensorflow as tf


def share_gpu() -> None:
    """Lets Keras have the GPU, and others the memory of it that Keras does not need.

    TensorFlow reads the pictures for every backend. It would take all of the memory: on
    the other backends it gets no GPU, and on its own one as much as it comes to need.
    """
    if keras.backend.backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
        return
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
