"""Gammas and learning rates tried with one compilation, beside one for each."""

import functools
from collections.abc import Callable
from statistics import median
from typing import Any

import keras
import numpy as np

import keras_momentum
from keras_momentum.comparison import find_gamma
from tests.benchmarks.models import MODELS
from tests.benchmarks.table import Table
from tests.benchmarks.training import BATCH_SIZE, forget_garbage, seconds

GAMMAS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
# Small enough that nothing diverges.
LEARNING_RATE = 1e-4
# As many pairs as Keras may try while find_gamma tries all 36.
EACH = 8


def run(model: str, steps: list[int], jit: list[bool], rounds: int) -> None:
    """Measures all and writes the table."""
    table = Table(
        "gamma_search",
        f"Seconds to try {len(GAMMAS)} gammas with 6 learning rates each on the model "
        f"{model} by find_gamma (half of the steps of all, and whole), and to build, "
        f"compile and train a model for {EACH} pairs with Keras's SGD. All times "
        f"include the building of the models. Medians of {rounds} interleaved rounds.",
        (
            *("steps", "jit", "find_gamma", "find_gamma, budget=1", "Keras, 8 pairs"),
            *("Keras / find_gamma", "Keras / budget=1"),
        ),
    )
    for count in steps:
        for compiled in jit:
            problem = Problem(MODELS[model], count, compiled)
            ways: list[tuple[Callable[[], Any], list[float]]] = [
                (functools.partial(problem.find, 0.5), []),
                (functools.partial(problem.find, 1.0), []),
                (problem.each, []),
            ]
            for _ in range(rounds):
                for way, times in ways:
                    forget_garbage()
                    times.append(seconds(way))
            half, whole, keras_ = (median(times) for _, times in ways)
            row = (half, whole, keras_, keras_ / half, keras_ / whole)
            table.add(str(count), str(compiled), *row)
    table.show()


class Problem:
    """So many steps on noise."""

    def __init__(self, build: Callable[[], keras.Model], steps: int, jit_compile: bool):
        self._build = build
        self._steps = steps
        self._jit = jit_compile
        rng = np.random.default_rng(0)
        shape = (BATCH_SIZE * steps, *build().input_shape[1:])
        self._data = (rng.random(shape, "float32"), np.arange(shape[0]) % 10)

    def model(self, kind: Any, gamma: float) -> keras.Model:
        """A new model."""
        model = self._build()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        optimizer = kind(LEARNING_RATE, momentum=gamma)
        model.compile(optimizer, loss, jit_compile=self._jit)
        return model

    def find(self, budget: float) -> None:
        """One compilation for all pairs."""
        model = self.model(keras_momentum.Momentum, 0.9)
        find_gamma(
            model,
            self._data,
            GAMMAS,
            steps=self._steps,
            budget=budget,
            batch_size=BATCH_SIZE,
            verbose=0,
        )

    def each(self) -> None:
        """One compilation for each of some pairs."""
        for _ in range(EACH):
            model = self.model(keras.optimizers.SGD, 0.9)
            model.fit(*self._data, batch_size=BATCH_SIZE, verbose=0)
