"""First step and step time of `Momentum`, as ratios to Keras's SGD(momentum=0.9).

    python -m tests.benchmarks [--rounds N] [--write FILE] [MODEL ...]

All optimizers run in turn, in one process, `--rounds` times; the medians are shown. The
optimizer's share is the time above that of Keras's SGD without momentum.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import rich.console
import rich.table

import keras_momentum

BATCH_SIZE = 8
STEPS = 60
FLOOR, THEIRS, OURS = "SGD", "SGD(momentum=0.9)", "Momentum(0.9)"
OPTIMIZERS: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
    FLOOR: lambda: keras.optimizers.SGD(0.001),
    THEIRS: lambda: keras.optimizers.SGD(0.001, momentum=0.9),
    OURS: lambda: keras_momentum.Momentum(0.001, momentum=0.9),
}


def mlp() -> keras.Model:
    """100 layers Dense(64), 202 variables with the last."""
    layers = [keras.layers.Dense(64) for _ in range(100)]
    return keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])


def efficientnet() -> keras.Model:
    """EfficientNetB0 on pictures of 32×32, 213 variables."""
    return keras.applications.EfficientNetB0(
        weights=None, input_shape=(32, 32, 3), classes=10, classifier_activation=None
    )


MODELS = {"mlp": mlp, "efficientnet": efficientnet}


class Clock(keras.callbacks.Callback):
    """Takes the time of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self.begin)


def measure(
    build: Callable[[], keras.Model],
    optimizer: keras.optimizers.Optimizer,
    jit_compile: bool,
) -> tuple[float, float]:
    """Seconds until the first step is done, and of a later step."""
    keras.utils.clear_session()
    model = build()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    x = np.random.default_rng(0).random((BATCH_SIZE * STEPS, *model.input_shape[1:]))
    y = np.arange(BATCH_SIZE * STEPS) % 10
    begin = time.perf_counter()
    model.fit(x[:BATCH_SIZE], y[:BATCH_SIZE], batch_size=BATCH_SIZE, verbose=0)
    first = time.perf_counter() - begin
    clock = Clock()
    model.fit(x, y, batch_size=BATCH_SIZE, verbose=0, callbacks=[clock])
    return first, statistics.median(clock.seconds[10:])


def main() -> None:
    """Measures, prints a table and writes it to a file."""
    parser = argparse.ArgumentParser(description="Momentum against Keras's SGD.")
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jit", choices=["off", "on", "both"], default="both")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    table = rich.table.Table(
        title=f"Keras {keras.version()} on {keras.backend.backend()}, batch "
        f"{BATCH_SIZE}, medians of {arguments.rounds} interleaved rounds"
    )
    for column in ("model", "jit_compile", "", *OPTIMIZERS, "ratio", "ratio of shares"):
        table.add_column(column, justify="right")
    for name in arguments.models:
        for jit_compile in (False, True):
            if arguments.jit != "both" and jit_compile != (arguments.jit == "on"):
                continue
            taken: dict[str, list[tuple[float, float]]] = {
                key: [] for key in OPTIMIZERS
            }
            for _ in range(arguments.rounds):
                for key, optimizer in OPTIMIZERS.items():
                    taken[key].append(measure(MODELS[name], optimizer(), jit_compile))
            for i, (what, unit, factor) in enumerate(
                (("first step", "s", 1), ("step", "ms", 1e3))
            ):
                median = {
                    key: statistics.median(pair[i] for pair in pairs)
                    for key, pairs in taken.items()
                }
                share = (median[OURS] - median[FLOOR]) / (
                    median[THEIRS] - median[FLOOR]
                )
                table.add_row(
                    name,
                    str(jit_compile),
                    f"{what}, {unit}",
                    *(f"{value * factor:.2f}" for value in median.values()),
                    f"{median[OURS] / median[THEIRS]:.2f}",
                    f"{share:.2f}",
                )
    console = rich.console.Console(width=110, record=True)
    console.print(table)
    if arguments.write:
        arguments.write.write_text(console.export_text(), "utf-8")


if __name__ == "__main__":
    main()
