"""A small classification, and runs that were never trained."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_momentum
from keras_momentum.comparison import Comparison, Run, compare

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(96, 8)).astype("float32")
Y = (X[:, :4].sum(axis=1) > 0).astype("int64")
VALIDATION = (X[64:], Y[64:])
TRAINING = (X[:64], Y[:64])

OPTIMIZERS = {
    "plain": keras.optimizers.SGD(0.05),
    "momentum": keras_momentum.Momentum(0.05, momentum=0.9),
}


def build_model(**arguments: Any) -> keras.Model:
    """With a random layer, and one whose state is no weight that is trained."""
    model = keras.Sequential(
        [
            keras.Input((8,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(2),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"], **arguments)
    return model


def small_model() -> keras.Model:
    """One layer, which is compiled in no time."""
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    return model


class Counting(keras.layers.Layer):
    """Counts how often it is traced, or run, for training."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def call(self, x: Any, training: bool = False) -> Any:
        self.calls += training
        return x


def compared(folder: Path, **arguments: Any) -> Comparison:
    """A comparison of two optimizers with two seeds, quietly."""
    arguments = {
        "build_model": build_model,
        "optimizers": OPTIMIZERS,
        "train_data": TRAINING,
        "validation_data": VALIDATION,
        "epochs": 2,
        "seeds": (0, 1),
        "batch_size": 16,
        "verbose": 0,
        **arguments,
    }
    return compare(log_dir=folder, **arguments)


def compared_soon(folder: Path, **arguments: Any) -> Comparison:
    """A comparison of one run of an epoch, as far as the arguments say nothing else."""
    arguments = {
        "build_model": small_model,
        "optimizers": {"plain": OPTIMIZERS["plain"]},
        "epochs": 1,
        "seeds": (0,),
        **arguments,
    }
    return compared(folder, **arguments)


def runs_of(name: str, finals: Sequence[float], **arguments: Any) -> list[Run]:
    """A run for each final accuracy; the one before was half of it."""
    arguments = {"directions": {"val_accuracy": "max"}, **arguments}
    return [
        Run(
            name,
            seed,
            history={"loss": [1.0, 0.5], "val_accuracy": [final / 2, final]},
            steps=[10, 20],
            seconds=[1.0, 2.0],
            first_step_seconds=None if seed else 0.5,
            **arguments,
        )
        for seed, final in enumerate(finals)
    ]


def weights_of(model: keras.Model) -> list[np.ndarray]:
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
