"""Draws every schedule of gamma, and beside it how a fruit classifier learns with it.

    python examples/momentum_tour.py [PICTURE] [--steps STEPS] [--schedules NAME ...]

A small classifier of drawn fruits is trained with each schedule by the same batches
from the same weights; only gamma differs. The grey curves are those of all others.
"""

from pathlib import Path
from typing import Any

import numpy as np
import rich.console
import rich.table

from fruits.command_line import CommandLine, at_least, picture_file
from fruits.config_file import load_config
from fruits.entry import import_keras, run

LEARNING_RATE = 0.03
SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
MEASUREMENTS = 10
COLUMNS = 3
# The keys of `tour`, which --help knows without TensorFlow.
NAMES = (
    *("Constant", "LinearRamp", "CosineRamp", "HorizonRamp", "HalfLifeRamp"),
    *("SutskeverRamp", "NesterovSequence", "NesterovStronglyConvex", "Demon"),
    *("OneCycleGamma", "CyclicGamma", "Sequence", "Restarted"),
)


def tour(steps: int) -> dict[str, Any]:
    """Every schedule for a run of so many steps; the first is the one to compare with.

    Args:
        steps: At least 20.
    """
    from keras_momentum.schedules import (
        Constant,
        CosineRamp,
        CyclicGamma,
        Demon,
        HalfLifeRamp,
        HorizonRamp,
        LinearRamp,
        NesterovSequence,
        NesterovStronglyConvex,
        OneCycleGamma,
        Restarted,
        Sequence,
        SutskeverRamp,
    )

    half = LinearRamp(0.5, 0.95, steps=steps // 2)
    shown = [
        Constant(0.9),
        LinearRamp(0.5, 0.95, steps=steps),
        CosineRamp(0.5, 0.95, steps=steps),
        HorizonRamp(0.5, 0.95, steps=steps),
        HalfLifeRamp(0.5, 0.95, steps=steps),
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
        from fruits.data import FruitData

        self._steps_per_epoch = max(1, steps // MEASUREMENTS)
        self._data = FruitData(load_config(SMALL)[1])

    def accuracies(self, gamma: Any) -> np.ndarray:
        """The validation accuracy at each of the measurements."""
        import keras

        from keras_momentum import Momentum

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
    import keras

    from keras_momentum import drawing

    rows = -(-len(schedules) // COLUMNS)
    steps = np.arange(at[-1] + 1)
    with drawing.picture(file, title_of(accuracies, at[-1]), 2.5 * rows) as figure:
        parts = figure.subfigures(rows, COLUMNS, squeeze=False).flat
        for number, (name, schedule) in enumerate(schedules.items()):
            above, below = parts[number].subplots(
                2, 1, sharex=True, height_ratios=(1, 1.6)
            )
            gammas = keras.ops.convert_to_numpy(schedule(steps))
            drawing.line(above, steps, gammas, None, drawing.VERMILLION)
            above.set(title=name, ylim=(-0.05, 1.05))
            for other in accuracies.values():
                drawing.line(below, at, other)
            drawing.line(below, at, accuracies[name], None, drawing.BLUE)
            below.set(ylim=(0, 1))
            if number % COLUMNS == 0:
                above.set_ylabel("γ", color=drawing.words(drawing.VERMILLION))
                below.set_ylabel("accuracy", color=drawing.words(drawing.BLUE))
            if number + COLUMNS >= len(schedules):
                below.set_xlabel("step")


def title_of(accuracies: dict[str, np.ndarray], steps: int) -> str:
    ends = {name: values[-1] for name, values in accuracies.items()}
    best, worst = max(ends, key=lambda x: ends[x]), min(ends, key=lambda x: ends[x])
    (base, *_) = ends
    return (
        f"After {steps:,} steps a fruit classifier has a validation accuracy of "
        f"{ends[worst]:.2f} ({worst}) to {ends[best]:.2f} ({best}), and of "
        f"{ends[base]:.2f} with a constant γ of 0.9; some hundredths are chance. Grey: "
        "all others."
    )


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
    parser = CommandLine(__doc__)
    parser.add_argument(
        "picture", type=picture_file, nargs="?", default="momentum_tour.png"
    )
    parser.add_argument(
        "--steps", type=at_least(20), default=1000, help="of each run (%(default)s)"
    )
    parser.add_argument(
        "--schedules",
        nargs="+",
        choices=NAMES,
        default=NAMES,
        metavar="NAME",
        help="which of %(choices)s",
    )
    arguments = parser.parse_args()
    # TensorFlow takes seconds to import: not for --help or a wrong argument.
    import_keras()
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
    run(main)
