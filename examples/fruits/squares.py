"""Pictures as squares of one size: made when they are first needed, and kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from fruits.scratch import ScratchRows

# Of an example: a picture (height, width, 3) of uint8, and its label.
Decode = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
_NOT_MADE = -1


class Examples(Protocol):
    """Serialized pictures with their labels, by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> bytes: ...


class Squares:
    """Pictures as squares of one size, with their labels.

    A picture is decoded when it is first asked for: training begins at once. From then
    on its square lies on disk and its label in memory, so that memory hardly grows with
    the number of pictures.

    Args:
        examples: The pictures.
        decode: Makes a picture and a label of an example, with TensorFlow.
        classes: The number of classes.
        side: Height and width in pixels of the squares.
        folder: Where there may be room for them.
    """

    def __init__(
        self,
        examples: Examples,
        decode: Decode,
        *,
        classes: int,
        side: int,
        folder: str | Path,
    ):
        self._examples = examples
        self._decode = decode
        self._classes = classes
        self._side = side
        self._rows = ScratchRows(len(examples), side * side * 3, folder)
        # A square counts as made only when all of it is written.
        self._labels = np.full(len(examples), _NOT_MADE, np.int32)

    def __len__(self) -> int:
        return len(self._examples)

    @tf.autograph.experimental.do_not_convert
    def of(self, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Squares (count, side, side, 3) of uint8 and one-hot labels, by number.

        It is called while TensorFlow traces the function of a `tf.data.Dataset`.
        """
        squares, labels, examples = tf.numpy_function(
            self._look_up, [numbers], (tf.uint8, tf.int32, tf.string)
        )

        def completed() -> tuple[tf.Tensor, tf.Tensor]:
            missing = tf.where(labels == _NOT_MADE)
            made, their_labels = tf.map_fn(
                self._make,
                examples,
                parallel_iterations=32,
                fn_output_signature=(tf.uint8, tf.int32),
            )
            of_them = tf.gather_nd(numbers, missing)
            tf.numpy_function(self._keep, [of_them, made, their_labels], [])
            return (
                tf.tensor_scatter_nd_update(squares, missing, made),
                tf.tensor_scatter_nd_update(labels, missing, their_labels),
            )

        shape = (None, self._side, self._side, 3)
        squares.set_shape(shape)
        labels.set_shape((None,))
        examples.set_shape((None,))
        squares, labels = tf.cond(
            tf.size(examples) > 0, completed, lambda: (squares, labels)
        )
        labels = tf.ensure_shape(labels, (None,))
        return tf.ensure_shape(squares, shape), tf.one_hot(labels, self._classes)

    def _make(self, example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture, label = self._decode(example)
        return squared(picture, self._side), tf.cast(label, tf.int32)

    def _look_up(
        self, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Squares and labels that are kept, and the examples of the others."""
        squares = np.zeros((len(numbers), self._side, self._side, 3), np.uint8)
        labels = self._labels[numbers]
        for square, number, label in zip(squares, numbers, labels, strict=True):
            if label != _NOT_MADE:
                self._rows.read(int(number), square)
        examples = [
            self._examples[int(number)] for number in numbers[labels == _NOT_MADE]
        ]
        return squares, labels, np.array(examples, object)

    def _keep(
        self, numbers: np.ndarray, squares: np.ndarray, labels: np.ndarray
    ) -> None:
        for number, square, label in zip(numbers, squares, labels, strict=True):
            if self._rows.write(int(number), square):
                self._labels[number] = label


def squared(picture: tf.Tensor, side: int) -> tf.Tensor:
    """The middle of a picture (height, width, 3) as a square, in uint8.

    Args:
        picture: With values of 0 to 255, of uint8.
        side: Height and width in pixels of the square.
    """

    def resized() -> tf.Tensor:
        shape = tf.shape(picture)
        shorter = tf.minimum(shape[0], shape[1])
        middle = tf.image.resize_with_crop_or_pad(picture, shorter, shorter)
        square = tf.image.resize(middle, (side, side), antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(square), 0, 255), tf.uint8)

    # Resizing would change nothing then, and take ten times as long as decoding.
    is_one = tf.reduce_all(tf.shape(picture)[:2] == side)
    square = tf.cond(is_one, lambda: picture, resized)
    return tf.ensure_shape(square, (side, side, 3))
