"""What a saved classifier sees in picture files."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fruits.errors import RefusedError
from fruits.images import BrokenImageError, jpeg
from fruits.saved_model import SavedModel
from fruits.squares import squared

_BATCH_SIZE = 32
Source = Path | bytes


def predictions(
    saved: SavedModel, sources: Iterable[Source]
) -> Iterator[np.ndarray | BrokenImageError]:
    """The probabilities of the classes for each picture, in order.

    However many there are, a batch of them is in memory.

    Args:
        saved: The classifier.
        sources: Picture files, or their bytes.

    Yields:
        Numbers that sum to 1, or why it is no picture.

    Raises:
        RefusedError: If the classifier knows no probabilities, as its weights are not
            finite.
    """
    remaining = iter(sources)
    while batch := list(itertools.islice(remaining, _BATCH_SIZE)):
        pictures = [_picture(source, saved.image_size) for source in batch]
        found = _probabilities(
            saved.model, [each for each in pictures if isinstance(each, np.ndarray)]
        )
        for picture in pictures:
            yield picture if isinstance(picture, BrokenImageError) else next(found)


def _picture(source: Source, image_size: int) -> np.ndarray | BrokenImageError:
    """A picture by the very way that those of an evaluation take."""
    try:
        content = jpeg(source)
    except BrokenImageError as error:
        return error
    return squared(tf.io.decode_image(content, channels=3), image_size).numpy()


def _probabilities(
    model: keras.Model, pictures: list[np.ndarray]
) -> Iterator[np.ndarray]:
    if not pictures:
        return
    logits = model.predict_on_batch(np.stack(pictures))
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
    if not np.isfinite(probabilities).all():
        raise RefusedError("MODEL makes no finite numbers: its training has diverged")
    yield from probabilities
