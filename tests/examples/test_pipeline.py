"""Batches: repeatable, the right size, and waited for as long as is said."""

import time

import numpy as np
import pytest
import tensorflow as tf

from fruits.augmentation import Augmentation, augment
from fruits.pipeline import (
    DataWait,
    evaluation_batches,
    kept_pictures,
    training_batches,
)

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


def pictures(count: int) -> tf.data.Dataset:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 255, (count, 30, 40, 3), np.uint8)
    return tf.data.Dataset.from_tensor_slices((values, np.arange(count) % 3))


def batches(seed: int, how: Augmentation) -> list[np.ndarray]:
    kept = kept_pictures(pictures(10), classes=3, image_size=16, how=how)
    data = training_batches(kept, image_size=16, batch_size=4, how=how, seed=seed)
    return [batch[0].numpy() for batch in data.take(6)]


def test_training_batches_follow_from_the_seed() -> None:
    first, again, other = (batches(seed, STRONG) for seed in (0, 0, 1))
    assert first[0].shape == (4, 16, 16, 3)
    np.testing.assert_array_equal(first, again)
    assert np.abs(np.subtract(first, other)).mean() > 1


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


def test_evaluation_sees_every_picture_once_in_order() -> None:
    data = evaluation_batches(pictures(10), classes=3, image_size=16, batch_size=4)
    labels = np.concatenate([batch[1].numpy() for batch in data])
    np.testing.assert_array_equal(labels.argmax(axis=1), np.arange(10) % 3)


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
