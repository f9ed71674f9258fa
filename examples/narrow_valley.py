"""Draws how optimizers go down a narrow valley, and how fast, beside the theory.

    python examples/narrow_valley.py [picture.png]

The valley is ½ (x² + y² / κ). Plain gradient descent zigzags or crawls; momentum brings
the number of steps from κ down to its root. Who does not know κ may take too large a γ:
then heavy ball swings for a long time, and aggregated momentum comes to rest.
"""

import argparse
import math
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.table import Table

from keras_momentum import NAG, AggMo, Momentum, drawing
from keras_momentum.schedules import NesterovSequence

CONDITION_NUMBER = 100.0
STEPS = 200
START = (0.1, 1.0)
# Of those who don't know κ, and how long it takes then.
LARGE_GAMMA, MANY_STEPS = 0.999, 1000
COLOURS = (
    *(drawing.BLUE, drawing.VERMILLION, drawing.GREEN, drawing.PURPLE),
    *("#000000", drawing.ORANGE, drawing.SKY),
)


class Contestant(NamedTuple):
    """An optimizer, with the rate that theory gives it, if it gives one."""

    optimizer: keras.optimizers.Optimizer
    rate: float | None = None
    steps: int = STEPS


def rate_of_aggmo(gammas: np.ndarray) -> float:
    """The factor by which (θ, v⁽⁰⁾, …) shrinks in a step, with a learning rate of 1."""
    count, radii = len(gammas), []
    for curvature in (1.0, 1.0 / CONDITION_NUMBER):
        step = np.block(
            [
                [1 - curvature, -gammas / count],
                [np.full((count, 1), curvature), np.diag(gammas)],
            ]
        )
        radii.append(np.abs(np.linalg.eigvals(step)).max())
    return max(radii)


def descend(optimizer: keras.optimizers.Optimizer, steps: int) -> np.ndarray:
    """All points of the descent, an array of shape (steps + 1, 2)."""
    point = keras.Variable(START)
    curvature = ops.convert_to_tensor((1.0, 1.0 / CONDITION_NUMBER))
    points = [START]
    for _ in range(steps):
        optimizer.apply([curvature * point.value], [point])
        points.append(tuple(ops.convert_to_numpy(point).tolist()))
    return np.array(points)


def contestants() -> dict[str, Contestant]:
    kappa, root = CONDITION_NUMBER, math.sqrt(CONDITION_NUMBER)
    best = (root - 1) / (root + 1)
    restarted = NAG(
        1.0, NesterovSequence(), restart_when="gradient", schedule_restarts=True
    )
    large = f"γ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{LARGE_GAMMA}"
    return {
        "gradient descent": Contestant(
            Momentum(2 / (1 + 1 / kappa), momentum=0.0), (kappa - 1) / (kappa + 1)
        ),
        "heavy ball, best η and γ": Contestant(
            Momentum((2 / (1 + 1 / root)) ** 2, momentum=best**2), best
        ),
        "NAG, γ from κ": Contestant(NAG(1.0, momentum=best), 1 - 1 / root),
        "NAG, Nesterov's sequence": Contestant(NAG(1.0, NesterovSequence())),
        "the same, restarted by the gradient": Contestant(restarted),
        f"heavy ball, {large}": Contestant(
            Momentum(1.0, momentum=LARGE_GAMMA), math.sqrt(LARGE_GAMMA), MANY_STEPS
        ),
        f"AggMo, {large}": Contestant(
            AggMo(1.0, momentum=LARGE_GAMMA),
            rate_of_aggmo(1 - (1 - LARGE_GAMMA) ** np.array([0.0, 0.5, 1.0])),
            MANY_STEPS,
        ),
    }


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points, axis=1)


def measured_rate(distance: np.ndarray) -> float:
    """Of the largest distances in the last two quarters, as it may go up and down."""
    quarter = len(distance) // 4
    third, last = distance[-2 * quarter : -quarter].max(), distance[-quarter:].max()
    return (last / third) ** (1 / quarter)


def draw(paths: dict[str, np.ndarray], rates: list[float | None], file: Path) -> None:
    names = list(paths)
    ends = [distances(points)[-1] for points in paths.values()]
    # The last two have a large γ.
    best = int(np.argmin(ends[:-2]))
    swinging, resting = (
        distances(paths[name])[-MANY_STEPS // 4 :].max() for name in names[-2:]
    )
    title = (
        f"In a valley with κ = {CONDITION_NUMBER:g} {names[0]} is {ends[0]:.1g} from "
        f"the minimum after {STEPS} steps, and {names[best]} {ends[best]:.1g}. With a "
        f"γ of {LARGE_GAMMA}, too large, heavy ball still swings as far as "
        f"{swinging:.1g} in the last quarter of {MANY_STEPS:,} steps, and AggMo "
        f"{resting:.1g}."
    )
    drawn = list(zip(paths.items(), rates, COLOURS, strict=True))
    with drawing.picture(file, title, height=11) as figure:
        rows = figure.subfigures(3, 1, height_ratios=[1.0, 0.9, 0.9])
        draw_paths(rows[0].subplots(1, 5, sharex=True, sharey=True), drawn[:-2], -0.2)
        draw_distances(rows[1].subplots(), drawn[:-2])
        left, right = rows[2].subfigures(1, 2, width_ratios=[1.0, 1.4])
        draw_paths(left.subplots(1, 2, sharex=True, sharey=True), drawn[-2:], -1.1)
        draw_distances(right.subplots(), drawn[-2:])


def draw_paths(valleys: Any, drawn: list[Any], lowest: float) -> None:
    for axes, ((name, points), _, colour) in zip(valleys, drawn, strict=True):
        draw_path(axes, points[: STEPS + 1], colour, lowest)
        title = textwrap.fill(name, 17)
        axes.set_title(title, color=drawing.words(colour), loc="center")
    valleys[0].set_ylabel(f"½ (x² + y²/{CONDITION_NUMBER:g}): y, flat")


def draw_distances(axes: Any, drawn: list[Any]) -> None:
    for (name, points), rate, colour in drawn:
        draw_distance(axes, distances(points), rate, colour, name)
    axes.set(
        title="dashed: the rate of theory",
        xlabel="step",
        ylabel="distance to the minimum",
        yscale="log",
    )


def draw_path(axes: Any, points: np.ndarray, colour: str, lowest: float) -> None:
    x, y = np.meshgrid(np.linspace(-0.42, 0.42, 100), np.linspace(lowest, 1.1, 200))
    height = (x**2 + y**2 / CONDITION_NUMBER) / 2
    levels = np.geomspace(1e-4, 0.1, 12)
    axes.contour(x, y, height, levels, colors="0.85", linewidths=0.8)
    x, y = points.T
    drawing.line(axes, x, y, None, colour, marker=".", markersize=3, linewidth=1)
    axes.plot(0, 0, "k+")
    axes.set(xlabel="x, steep", xticks=(-0.3, 0, 0.3))


def draw_distance(
    axes: Any, distance: np.ndarray, rate: float | None, colour: str, name: str
) -> None:
    last = len(distance) - 1
    drawing.line(axes, np.arange(last + 1), distance, name, colour)
    if rate is not None:
        # Through the largest of the last quarter: theory is about the slope alone.
        peak = last - last // 4 + int(np.argmax(distance[last - last // 4 :]))
        steps = np.array([last // 4, last])
        at = distance[peak] * rate ** (steps - peak)
        dark = drawing.words(colour)
        drawing.line(axes, steps, at, None, dark, linestyle="--", linewidth=1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, nargs="?", default="narrow_valley.png")
    picture = parser.parse_args().picture
    all_of_them = contestants()
    paths = {
        name: descend(each.optimizer, each.steps) for name, each in all_of_them.items()
    }
    table = Table(
        title=f"κ = {CONDITION_NUMBER:g}",
        caption="With the best γ the distance is like t · rate^t: slower at first.",
    )
    table.add_column("optimizer")
    for column in ("steps", "last distance", "rate, measured", "rate, theory"):
        table.add_column(column, justify="right")
    for name, (_, rate, steps) in all_of_them.items():
        distance = distances(paths[name])
        theory = "" if rate is None else f"{rate:.4f}"
        table.add_row(
            name,
            f"{steps:,}",
            f"{distance[-1]:.1e}",
            f"{measured_rate(distance):.4f}",
            theory,
        )
    console = Console()
    console.print(table)
    draw(paths, [each.rate for each in all_of_them.values()], picture)
    console.print(str(picture), soft_wrap=True)


if __name__ == "__main__":
    main()
