"""Gammas tried with one compilation, beside a compilation for each."""

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


def run(model: str, steps: list[int], jit: list[bool], rounds: int) -> None:
    """Measures all and writes the table."""
    table = Table(
        "gamma_search",
        f"Seconds to try {len(GAMMAS)} gammas on the model {model}: by find_gamma, and "
        "by building, compiling and training a model for each, with our Momentum and "
        "with Keras's SGD. All times include the building of the models. Medians of "
        f"{rounds} interleaved rounds.",
        (
            *("steps", "jit", "find_gamma", "ours, each", "Keras, each"),
            *("ours / find_gamma", "Keras / find_gamma"),
        ),
    )
    for count in steps:
        for compiled in jit:
            problem = Problem(MODELS[model], count, compiled)
            ways: list[tuple[Callable[[], Any], list[float]]] = [
                (problem.find, []),
                (lambda p=problem: p.each(keras_momentum.Momentum), []),  # type: ignore[misc]
                (lambda p=problem: p.each(keras.optimizers.SGD), []),  # type: ignore[misc]
            ]
            for _ in range(rounds):
                for way, times in ways:
                    forget_garbage()
                    times.append(seconds(way))
            found, ours, keras_ = (median(times) for _, times in ways)
            row = (found, ours, keras_, ours / found, keras_ / found)
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

    def find(self) -> None:
        """One compilation for all gammas."""
        model = self.model(keras_momentum.Momentum, 0.9)
        arguments = {"batch_size": BATCH_SIZE, "verbose": 0}
        find_gamma(model, self._data, GAMMAS, self._steps, **arguments)

    def each(self, kind: Any) -> None:
        """One compilation for each."""
        for gamma in GAMMAS:
            model = self.model(kind, gamma)
            model.fit(*self._data, batch_size=BATCH_SIZE, verbose=0)
