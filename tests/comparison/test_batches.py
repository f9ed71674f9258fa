"""Batches that follow from a seed."""

import itertools

import numpy as np
import pytest

from keras_momentum.comparison._arrays import ShuffledArrays
from keras_momentum.comparison._batches import TrainingData
from keras_momentum.comparison._sources import made_of


def test_each_sample_comes_once_in_each_pass_and_passes_differ() -> None:
    numbers = np.arange(10)
    batches = ShuffledArrays((numbers, {"twice": 2 * numbers}), 4, seed=1)
    assert batches.batches_per_pass == 3
    passes = []
    for number in range(2):
        found = [batches[3 * number + place] for place in range(3)]
        assert [len(x) for x, _ in found] == [4, 4, 2]
        for x, y in found:
            np.testing.assert_array_equal(y["twice"], 2 * x)
        passes.append(np.concatenate([x for x, _ in found]))
        assert sorted(passes[-1]) == list(range(10))
    assert (passes[0] != passes[1]).any()


def test_a_batch_follows_from_its_number_and_the_seed_alone() -> None:
    numbers = (np.arange(10),)
    one, other = (ShuffledArrays(numbers, 4, seed=1) for _ in range(2))
    for index in (7, 0, 3):
        one[index]
    np.testing.assert_array_equal(one[4][0], other[4][0])
    different = ShuffledArrays(numbers, 4, seed=2)
    assert (different[4][0] != other[4][0]).any()


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"same length.*Received: lengths \[2, 3\]"):
        made_of((np.ones(2), np.ones(3)), 0, 32, "train_data")


def test_data_that_shuffle_by_themselves_are_refused() -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.range(100).shuffle(100, seed=0).batch(10)
    with pytest.raises(ValueError, match="does it shuffle"):
        TrainingData(data, 32, None).identity(0)

    def made(seed: int) -> object:
        return tf.data.Dataset.range(100).shuffle(100, seed=seed).batch(10)

    batches = TrainingData(made, 32, None)
    assert batches.identity(0) != batches.identity(1)
    assert batches.identity(0) == batches.identity(0)


def test_a_function_without_a_seed_of_its_own_is_seeded() -> None:
    tf = pytest.importorskip("tensorflow")

    def made(seed: int) -> object:
        return tf.data.Dataset.range(100).shuffle(100).batch(10)

    batches = TrainingData(made, 32, None)
    assert batches.identity(0) != batches.identity(1)
    assert batches.identity(0) == batches.identity(0)


def test_an_iterator_is_refused() -> None:
    with pytest.raises(TypeError, match="iterated only once"):
        made_of(itertools.repeat(1), 0, 32, "train_data")
