"""The way of the pictures from a prepared data set into the training step."""

import time
from typing import Any

import numpy as np
import tensorflow as tf

from fruits.augmentation import Augmentation, augment
from fruits.squares import Squares

# Photos are kept a little larger than they are trained on, so that a part that is cut
# out does not lose sharpness.
_MARGIN = 8 / 7


def kept_side(image_size: int, how: Augmentation) -> int:
    """Height and width in pixels of the squares that training pictures are made of.

    Args:
        image_size: Height and width in pixels of the pictures in a batch.
        how: How pictures are changed.
    """
    return round(image_size * _MARGIN) if how.zoom else image_size


def training_batches(
    squares: Squares,
    *,
    image_size: int,
    batch_size: int,
    how: Augmentation,
    seed: int,
    first: int = 0,
    class_weights: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Endless batches for training.

    Batch number n follows from the seed and n alone: what was interrupted can go on
    with any of them.

    Args:
        squares: The pictures, of the side that `kept_side` returns.
        image_size: Height and width in pixels of the pictures in a batch.
        batch_size: Pictures in a batch.
        how: How pictures are changed.
        seed: An integer.
        first: The number of the first batch. Defaults to 0.
        class_weights: How much a picture of each class counts in the loss.

    Returns:
        Pairs of pictures (batch_size, image_size, image_size, 3) with float values of 0
        to 255 and one-hot labels (batch_size, classes); with `class_weights` also the
        weights (batch_size,). A picture that is mixed of two has the mean of theirs.
    """
    chosen = _order(len(squares), first * batch_size, seed).batch(batch_size)

    @tf.autograph.experimental.do_not_convert  # It takes a second, and changes nothing.
    def batch(number: tf.Tensor, chosen: tf.Tensor) -> Any:
        pictures, labels = squares.of(chosen)
        changed = augment(pictures, labels, how, image_size, tf.stack([number, seed]))
        if class_weights is None:
            return changed
        # Keras's own class_weight takes the larger part of a mixed label for the whole.
        weights = tf.linalg.matvec(changed[1], tf.constant(class_weights, tf.float32))
        return *changed, weights

    batches = chosen.enumerate(start=first).map(batch, tf.data.AUTOTUNE)
    return batches.prefetch(tf.data.AUTOTUNE)


def _order(count: int, first: int, seed: int) -> tf.data.Dataset:
    """Numbers of pictures without end, in each pass each once, from a place on."""
    first_pass, first_place = divmod(first, count)

    def of_pass(number: tf.Tensor) -> tf.data.Dataset:
        numbers = tf.range(count, dtype=tf.int64)
        order = tf.random.experimental.stateless_shuffle(numbers, [seed, number])
        begin = tf.where(number == first_pass, first_place, 0)
        return tf.data.Dataset.from_tensor_slices(order[begin:])

    return tf.data.Dataset.counter(start=first_pass).flat_map(of_pass)


def evaluation_batches(squares: Squares, batch_size: int) -> tf.data.Dataset:
    """All pictures once, unchanged and in their order, in batches."""
    batches = tf.data.Dataset.range(len(squares)).batch(batch_size)
    return batches.map(squares.of, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class DataWait:
    """Measures how long the training step waits for its batches.

    A clock is read before and after each batch is asked for:
    `zip(clock, batches, clock)` asks for its parts one after another.
    """

    def __init__(self) -> None:
        with tf.device("CPU"):
            self._seconds = tf.Variable(0.0, dtype=tf.float64, trainable=False)

    @property
    def seconds(self) -> float:
        """All the time waited so far."""
        return float(self._seconds.numpy())

    def measured(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """The same batches, with the time that each is waited for added up."""

        def add(before: tf.Tensor, batch: Any, after: tf.Tensor) -> Any:
            self._seconds.assign_add(after - before)
            return batch

        def now(_: tf.Tensor) -> tf.Tensor:
            # Not `tf.timestamp`: that clock may be set while a run goes on.
            seconds = tf.numpy_function(time.perf_counter, [], tf.float64)
            return tf.ensure_shape(seconds, ())

        clock = tf.data.Dataset.counter().map(now)
        measured = tf.data.Dataset.zip((clock, batches, clock)).map(add)
        options = tf.data.Options()
        # TensorFlow would put a prefetch behind the clocks, and it would wait instead.
        options.experimental_optimization.inject_prefetch = False
        return measured.with_options(options)
