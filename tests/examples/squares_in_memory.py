"""Squares of pictures that no data set holds."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from fruits.squares import Squares


def squares_of(
    pictures: np.ndarray, labels: np.ndarray, *, classes: int, side: int, folder: Path
) -> Squares:
    """Squares of pictures (count, height, width, 3) of uint8 and labels below 256."""

    def decode(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        content = tf.io.decode_raw(example, tf.uint8)
        return tf.reshape(content[1:], pictures.shape[1:]), content[0]

    examples = [
        bytes([label]) + picture.tobytes()
        for picture, label in zip(pictures, labels, strict=True)
    ]
    return Squares(examples, decode, classes=classes, side=side, folder=folder)
