"""Draws every schedule of gamma, and beside it how a fruit classifier learns with it.

    python examples/momentum_tour.py [PICTURE] [--steps STEPS] [--schedules NAME ...]

A small classifier of drawn fruits is trained with each schedule by the same batches
from the same weights; only gamma differs. The grey curve is that of a constant 0.9.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import matplotlib as mpl
import numpy as np
import rich.console
import rich.table

from fruits.command_line import read_config
from fruits.data import FruitData
from keras_momentum import Momentum
from keras_momentum.schedules import (
    Constant,
    CosineRamp,
    CyclicGamma,
    Demon,
    HorizonRamp,
    LinearRamp,
    NesterovSequence,
    NesterovStronglyConvex,
    OneCycleGamma,
    Restarted,
    Sequence,
    SutskeverRamp,
)

mpl.use("Agg")
import matplotlib.pyplot as plt

LEARNING_RATE = 0.03
SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
MEASUREMENTS = 10
COLUMNS = 3


def tour(steps: int) -> dict[str, Any]:
    """Every schedule for a run of so many steps; the first is the one to compare with.

    Args:
        steps: At least 20.
    """
    half = LinearRamp(0.5, 0.95, steps=steps // 2)
    shown = [
        Constant(0.9),
        LinearRamp(0.5, 0.95, steps=steps),
        CosineRamp(0.5, 0.95, steps=steps),
        HorizonRamp(0.5, 0.95, steps=steps),
        SutskeverRamp(maximum=0.99, period=steps // 10),
        NesterovSequence(maximum=0.99),
        NesterovStronglyConvex(condition_number=100.0),
        Demon(0.9, steps=steps),
        OneCycleGamma(0.95, 0.85, steps=steps),
        CyclicGamma(0.85, 0.95, period=steps // 4),
        Sequence([Constant(0.5), half], boundaries=[steps // 4]),
        Restarted(NesterovSequence(maximum=0.99), every=steps // 5),
    ]
    return {type(schedule).__name__: schedule for schedule in shown}


class Fruits:
    """Drawn fruits, and what is learnt about them.

    Args:
        steps: The number of steps of a run.
    """

    def __init__(self, steps: int):
        self._steps_per_epoch = max(1, steps // MEASUREMENTS)
        self._data = FruitData(read_config([str(SMALL)], SMALL)[1])

    def accuracies(self, gamma: Any) -> np.ndarray:
        """The validation accuracy at each of the measurements."""
        keras.utils.set_random_seed(0)
        model = self._data.compiled_model(Momentum(LEARNING_RATE, momentum=gamma))
        history = model.fit(
            self._data.training(seed=0),
            epochs=MEASUREMENTS,
            steps_per_epoch=self._steps_per_epoch,
            validation_data=self._data.evaluation()["validation"],
            verbose=0,
        )
        return np.array(history.history["val_accuracy"])

    def at(self) -> np.ndarray:
        """The steps at which it is measured."""
        return self._steps_per_epoch * np.arange(1, MEASUREMENTS + 1)


def draw(
    schedules: dict[str, Any],
    accuracies: dict[str, np.ndarray],
    at: np.ndarray,
    file: Path,
) -> None:
    rows = -(-len(schedules) // COLUMNS)
    figure = plt.figure(figsize=(16, 2.4 * rows), layout="constrained")
    parts = figure.subfigures(rows, COLUMNS, wspace=0.03).flat  # type: ignore[union-attr]
    (base_name, base), *_ = accuracies.items()
    top = max(0.05, 1.05 * max(values.max() for values in accuracies.values()))
    for part, (name, schedule) in zip(parts, schedules.items(), strict=False):
        part.suptitle(name, fontsize=11, fontweight="bold")
        left, right = part.subplots(1, 2)
        steps = np.arange(at[-1] + 1)
        left.plot(steps, keras.ops.convert_to_numpy(schedule(steps)), color="tab:green")
        left.set(ylim=(-0.03, 1.03), ylabel="gamma", xlabel="step")
        right.plot(at, base, ".-", color="0.7", label=f"{base_name} 0.9")
        if name != base_name:
            right.plot(at, accuracies[name], ".-", color="tab:blue", label=name)
        right.set(ylim=(0, top), ylabel="validation accuracy", xlabel="step")
        right.legend(loc="lower right", fontsize=7)
        for axes in (left, right):
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=80)
    plt.close(figure)


def show(accuracies: dict[str, np.ndarray], steps: int) -> None:
    table = rich.table.Table(
        title=f"{steps} steps on drawn fruits, learning rate {LEARNING_RATE}",
        caption="One run each: some hundredths are chance.",
    )
    table.add_column("schedule of gamma")
    for column in ("validation accuracy", "best", "mean of the run"):
        table.add_column(column, justify="right")
    for name, values in accuracies.items():
        numbers = (values[-1], values.max(), values.mean())
        table.add_row(name, *(f"{number:.3f}" for number in numbers))
    rich.console.Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, nargs="?", default="momentum_tour.png")
    parser.add_argument("--steps", type=int, default=1000, help="of each run, >= 20")
    parser.add_argument(
        "--schedules",
        nargs="+",
        choices=list(tour(20)),
        default=list(tour(20)),
        metavar="NAME",
        help="which of %(choices)s",
    )
    arguments = parser.parse_args()
    if arguments.steps < 20:
        parser.error(f"--steps must be at least 20. Received: {arguments.steps}")
    # The first one is always there, to compare with.
    schedules = {
        name: schedule
        for number, (name, schedule) in enumerate(tour(arguments.steps).items())
        if number == 0 or name in arguments.schedules
    }
    fruits = Fruits(arguments.steps)
    accuracies = {}
    for name, schedule in schedules.items():
        accuracies[name] = fruits.accuracies(schedule)
        print(f"{name}: {accuracies[name][-1]:.3f}", flush=True)
    show(accuracies, arguments.steps)
    draw(schedules, accuracies, fruits.at(), arguments.picture)
    print(f"Picture: {arguments.picture}")


if __name__ == "__main__":
    main()
