"""Batches: repeatable, the right size, and waited for as long as is said."""

import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from fruits.augmentation import Augmentation, augment
from fruits.pipeline import (
    DataWait,
    evaluation_batches,
    kept_side,
    training_batches,
)
from fruits.squares import Squares, squared
from tests.examples.squares_in_memory import squares_of

STRONG = Augmentation(
    zoom=0.5,
    stretch=0.2,
    rotation=20,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=10,
    erase=0.3,
    mixup=0.2,
)


PICTURES = np.random.default_rng(0).integers(0, 255, (10, 30, 40, 3), np.uint8)
LABELS = np.arange(10) % 3


def squares(side: int, folder: Path) -> Squares:
    return squares_of(PICTURES, LABELS, classes=3, side=side, folder=folder)


def batches(
    seed: int, how: Augmentation, folder: Path, first: int = 0
) -> list[np.ndarray]:
    data = training_batches(
        squares(kept_side(16, how), folder),
        image_size=16,
        batch_size=4,
        how=how,
        seed=seed,
        first=first,
    )
    return [batch[0].numpy() for batch in data.take(6)]


def test_training_batches_follow_from_the_seed(tmp_path: Path) -> None:
    first, again, other = (batches(seed, STRONG, tmp_path) for seed in (0, 0, 1))
    assert first[0].shape == (4, 16, 16, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.subtract(first, other)).mean() > 1


def test_batches_are_those_of_a_plain_computation(tmp_path: Path) -> None:
    """Also in the second pass, when squares are read that the first has kept."""
    how, seed = STRONG, 5
    kept = np.stack([squared(picture, kept_side(16, how)) for picture in PICTURES])
    order = np.concatenate(
        [
            tf.random.experimental.stateless_shuffle(np.arange(10), [seed, number])
            for number in range(4)
        ]
    )
    for first in (0, 1, 2):
        for number, found in enumerate(batches(seed, how, tmp_path, first), first):
            chosen = order[number * 4 : number * 4 + 4]
            labels = tf.one_hot(LABELS[chosen], 3)
            expected, _ = augment(kept[chosen], labels, how, 16, tf.stack([number, 5]))
            np.testing.assert_array_equal(found, expected)


def test_no_augmentation_leaves_pictures_as_they_are() -> None:
    values = tf.random.stateless_uniform((5, 12, 12, 3), (0, 1), 0, 255)
    labels = tf.one_hot([0, 1, 2, 0, 1], 3)
    changed, kept = augment(
        values, labels, Augmentation(flip=False), 12, tf.constant([3, 4])
    )
    np.testing.assert_allclose(changed, values, atol=1e-3)
    np.testing.assert_array_equal(kept, labels)


def test_augmentation_stays_in_range_and_mixes_labels() -> None:
    values = tf.random.stateless_uniform((32, 20, 20, 3), (0, 1), 0, 255)
    labels = tf.one_hot(tf.range(32) % 4, 4)
    changed, mixed = augment(values, labels, STRONG, 16, tf.constant([3, 4]))
    assert changed.shape == (32, 16, 16, 3)
    assert 0 <= changed.numpy().min() <= changed.numpy().max() <= 255
    np.testing.assert_allclose(tf.reduce_sum(mixed, axis=1), 1.0, rtol=1e-6)
    assert (mixed.numpy().max(axis=1) < 0.999).any()


def test_evaluation_sees_every_picture_once_in_order(tmp_path: Path) -> None:
    data = evaluation_batches(squares(16, tmp_path), batch_size=4)
    assert data.cardinality() == 3
    for _ in range(2):
        found, labels = (np.concatenate(part) for part in zip(*data, strict=True))
        np.testing.assert_array_equal(labels.argmax(axis=1), LABELS)
        np.testing.assert_array_equal(found, [squared(each, 16) for each in PICTURES])


@pytest.mark.parametrize("slow_side", ["data", "training"])
def test_time_waited_for_data_is_measured(slow_side: str) -> None:
    nap, rest = (0.02, 0.0) if slow_side == "data" else (0.0, 0.02)

    def slow(number: tf.Tensor) -> tf.Tensor:
        def sleep(value: np.ndarray) -> np.ndarray:
            time.sleep(nap)
            return value

        return tf.numpy_function(sleep, [number], tf.int64)

    data = tf.data.Dataset.range(20).map(slow).prefetch(2)
    wait = DataWait()
    begin = time.perf_counter()
    for _ in wait.measured(data):
        time.sleep(rest)
    elapsed = time.perf_counter() - begin
    # A nap is never shorter than said, however busy the machine is.
    assert elapsed >= 0.4
    if slow_side == "data":
        assert 0.35 <= wait.seconds <= elapsed
    else:
        assert 0.0 <= wait.seconds <= elapsed - 0.35


def test_a_clock_that_is_set_back_is_no_time_that_was_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forwards = tf.timestamp
    monkeypatch.setattr(tf, "timestamp", lambda: -forwards())
    wait = DataWait()
    begin = time.perf_counter()
    list(wait.measured(tf.data.Dataset.range(5)))
    assert 0.0 < wait.seconds <= time.perf_counter() - begin
