"""Runs that would not start from the same, or would not see the same."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_momentum import NAG
from tests.comparison.problem import TRAINING, compared, compared_soon

TWICE = {"one": NAG(0.1), "two": NAG(0.1)}
OWN = np.random.default_rng(0)


class OwnNoise(layers.Layer):
    """Takes random numbers that nobody can put back."""

    def call(self, x: Any, training: bool = False) -> Any:
        if not training:
            return x
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            noise = tf.numpy_function(lambda: np.float32(OWN.normal()), [], "float32")
            return x + tf.ensure_shape(noise, ())
        return x + float(OWN.normal())


class OwnWeights(keras.initializers.Initializer):
    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        return keras.ops.convert_to_tensor(OWN.normal(size=shape), dtype or "float32")


def compiled(*parts: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((8,)), *parts])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss)
    return model


SHARED = layers.Dense(4, name="shared")
HEAD = layers.Dense(2, name="head")
NORMALIZED = keras.Sequential([layers.Dense(4), layers.BatchNormalization()])
SHUFFLED = np.arange(64)


class Shuffling(keras.utils.PyDataset):
    """Shuffles itself with the random numbers of NumPy, or with its own."""

    def __init__(self, rng: Any):
        super().__init__()
        self._rng = rng
        self._order = np.arange(64)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        chosen = self._order[16 * index : 16 * index + 16]
        return TRAINING[0][chosen], TRAINING[1][chosen]

    def on_epoch_end(self) -> None:
        self._rng.shuffle(self._order)


class Late(Shuffling):
    """Gives other samples in one of its last batches each time."""

    def __getitem__(self, index: int) -> Any:
        x, y = super().__getitem__(index)
        return (x + OWN.normal(), y) if index == 3 else (x, y)

    def on_epoch_end(self) -> None:
        pass


@pytest.mark.parametrize(
    ("build_model", "message"),
    [
        (lambda: compiled(SHARED, layers.Dense(2)), "must make all layers .* anew"),
        (lambda: compiled(layers.Dense(4), HEAD), "must make all layers .* anew"),
        (lambda: compiled(NORMALIZED, layers.Dense(2)), "make all layers .* anew"),
        (
            lambda: compiled(layers.Dense(2, kernel_initializer=OwnWeights())),
            "must give the same weights for the same seed",
        ),
        (
            lambda: compiled(layers.Dense(4), OwnNoise(), layers.Dense(2)),
            "has random numbers of its own",
        ),
    ],
    ids=["first layer", "last layer", "model in a model", "weights", "noise"],
)
def test_models_that_would_differ_end_with_the_cause(
    build_model: Any, message: str, tmp_path: Path
) -> None:
    if "noise" in message and keras.backend.backend() == "jax":
        pytest.skip("JAX takes such a number once, when it compiles")
    with pytest.raises(ValueError, match=message):
        compared(tmp_path, build_model=build_model, optimizers=TWICE)


def test_layers_that_are_frozen_may_be_shared(tmp_path: Path) -> None:
    frozen = layers.Dense(4, trainable=False)
    arguments = {"build_model": lambda: compiled(frozen, layers.Dense(2))}
    one, two = compared_soon(tmp_path, optimizers=TWICE, **arguments).runs
    assert one.history == two.history


@pytest.mark.parametrize(
    "data",
    [
        lambda: Shuffling(np.random.default_rng(0)),
        lambda: Late(None),
    ],
    ids=["shuffles", "changes one batch"],
)
def test_data_that_differ_end_with_the_cause(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same batches in the same order to every"):
        compared_soon(tmp_path, train_data=data(), optimizers=TWICE, epochs=3)
    assert not (tmp_path / "comparison.txt").exists()


def test_data_made_from_the_seed_may_shuffle_themselves(tmp_path: Path) -> None:
    def data(seed: int) -> Shuffling:
        return Shuffling(np.random.default_rng(seed))

    arguments = {"optimizers": TWICE, "epochs": 3}
    one, two = compared_soon(tmp_path, train_data=data, **arguments).runs
    assert one.history == two.history


class OwnStep(keras.Model):
    """Trains itself, whatever it is compiled with."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(8)
        self.inner.build((None, 8))
        self.built = True
        self.mean = keras.metrics.Mean("g_loss")

    def train_step(self, *arguments: Any) -> Any:
        if keras.backend.backend() == "jax":
            return {"g_loss": keras.ops.convert_to_tensor(1.0)}, arguments[0]
        return {"g_loss": 1.0}


def test_an_optimizer_that_does_no_update_is_an_error(tmp_path: Path) -> None:
    def build() -> keras.Model:
        model = OwnStep()
        model.compile("sgd")
        return model

    arguments = {"build_model": build, "optimizers": TWICE, "validation_data": None}
    with pytest.raises(ValueError, match='`mode` must be "min" or "max"'):
        compared_soon(tmp_path, metric="g_loss", **arguments)
    with pytest.raises(ValueError, match="'one' did no update"):
        compared_soon(tmp_path, metric="g_loss", mode="min", **arguments)
