"""JPEG files that can be kept as they are, told fast, and by the decoder of training.

Pillow tells of any file what it is or why it can't be read, but of a small JPEG mostly
in Python, one at a time.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from fruits.images import KEPT_PIXELS, is_kept
from fruits.tree import File

_AT_ONCE = 16
# That many are read at once: what is larger is left to Pillow.
_MOST_BYTES = 50_000_000


def whole_jpegs(files: Sequence[File], max_megapixels: int) -> Iterator[bytes | None]:
    """The contents of the files that are plain JPEGs, in order.

    Args:
        files: The files.
        max_megapixels: Larger pictures are not read.

    Yields:
        The content of a file that is an upright RGB JPEG and not too large, all of it
        there; `None` for one that may be anything else, or nothing.
    """
    taken = 0
    for numbers, contents, shapes, _ in _decodable(
        files, max_megapixels
    ).as_numpy_iterator():
        for number, content, shape in zip(numbers, contents, shapes, strict=True):
            yield from [None] * (number - taken)
            taken = number + 1
            height, width, channels = shape.tolist()
            kept = channels == 3 and is_kept(content, width, height)
            yield content if kept else None
    yield from [None] * (len(files) - taken)


def _decodable(files: Sequence[File], max_megapixels: int) -> tf.data.Dataset:
    """Numbers, contents and shapes of the files that TensorFlow can decode.

    What is too large is not decoded: a file of some megabytes may take gigabytes.
    """
    most = min(max_megapixels * 10**6, KEPT_PIXELS)

    @tf.autograph.experimental.do_not_convert
    def look_at(number: tf.Tensor, path: tf.Tensor) -> Any:
        content = tf.io.read_file(path)
        begin, end = tf.strings.substr(content, 0, 3), tf.strings.substr(content, -2, 2)
        is_jpeg = tf.logical_and(begin == b"\xff\xd8\xff", end == b"\xff\xd9")
        # The decoder would print a line about each that is none, or has no end.
        checked = tf.raw_ops.Assert(condition=is_jpeg, data=[path])
        with tf.control_dependencies([checked]):
            shape = tf.io.extract_jpeg_shape(content, tf.int64)
        is_small = shape[0] * shape[1] <= most
        checked = tf.raw_ops.Assert(condition=is_small, data=[path])
        with tf.control_dependencies([checked]):
            # Whether all of it is there shows at an eighth of the size as well. What
            # comes of it is asked for: TensorFlow leaves out what nobody needs.
            decoded = tf.io.decode_jpeg(content, ratio=8)
        return number, content, shape, tf.shape(decoded)

    numbers = [i for i, file in enumerate(files) if file.size <= _MOST_BYTES]
    # A path that is not absolute might look like one of another file system.
    paths = [os.fsencode(os.path.abspath(files[i].location)) for i in numbers]
    columns = (np.array(numbers, np.int64), np.array(paths, object))
    return (
        tf.data.Dataset.from_tensor_slices(columns)
        .map(look_at, tf.data.AUTOTUNE)
        .ignore_errors(log_warning=False)
        .batch(_AT_ONCE)
        .prefetch(1)
    )
