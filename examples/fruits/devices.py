"""Which library may use the GPU."""

import keras
import tensorflow as tf


def leave_gpu_to_keras() -> None:
    """TensorFlow reads the pictures for every backend; on the others it needs no GPU.

    It would take all of its memory.
    """
    if keras.backend.backend() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
