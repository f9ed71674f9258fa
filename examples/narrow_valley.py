"""Draws how optimizers go down a narrow valley, and how fast, beside the theory.

    python examples/narrow_valley.py [picture.png]

The valley is ½ (x² + y² / κ). Plain gradient descent zigzags or crawls; momentum brings
the number of steps from κ down to its root.
"""

import argparse
import math
import textwrap
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from rich.console import Console
from rich.table import Table

from keras_momentum import NAG, Momentum, drawing
from keras_momentum.schedules import NesterovSequence

CONDITION_NUMBER = 100.0
STEPS = 200
START = (0.1, 1.0)


def descend(optimizer: keras.optimizers.Optimizer) -> np.ndarray:
    """All points of the descent, an array of shape (STEPS + 1, 2)."""
    point = keras.Variable(START)
    curvature = ops.convert_to_tensor((1.0, 1.0 / CONDITION_NUMBER))
    points = [START]
    for _ in range(STEPS):
        optimizer.apply([curvature * point.value], [point])
        points.append(tuple(ops.convert_to_numpy(point).tolist()))
    return np.array(points)


def contestants() -> dict[str, tuple[keras.optimizers.Optimizer, float | None]]:
    """The optimizers, each with the rate that theory gives it, if it gives one."""
    kappa, root = CONDITION_NUMBER, math.sqrt(CONDITION_NUMBER)
    best = (root - 1) / (root + 1)
    return {
        "gradient descent": (
            Momentum(2 / (1 + 1 / kappa), momentum=0.0),
            (kappa - 1) / (kappa + 1),
        ),
        "heavy ball, best η and γ": (
            Momentum((2 / (1 + 1 / root)) ** 2, momentum=best**2),
            best,
        ),
        "NAG, γ from κ": (NAG(1.0, momentum=best), 1 - 1 / root),
        "NAG, Nesterov's sequence": (NAG(1.0, NesterovSequence()), None),
        "the same, restarted by the gradient": (
            NAG(
                1.0,
                NesterovSequence(),
                restart_when="gradient",
                schedule_restarts=True,
            ),
            None,
        ),
    }


def draw(
    paths: dict[str, np.ndarray], rates: dict[str, float | None], file: Path
) -> None:
    ends = {name: np.linalg.norm(points[-1]) for name, points in paths.items()}
    best = min(ends, key=lambda name: ends[name])
    first = next(iter(ends))
    title = (
        f"After {STEPS} steps in a valley with κ = {CONDITION_NUMBER:g} the distance "
        f"to the minimum is {ends[first]:.1g} for {first} and {ends[best]:.1g} for "
        f"{best}."
    )
    colours = (
        drawing.BLUE,
        drawing.VERMILLION,
        drawing.GREEN,
        drawing.PURPLE,
        "#000000",
    )
    with drawing.picture(file, title, height=7.5) as figure:
        above, below = figure.subfigures(2, 1)  # type: ignore[misc]
        valleys = above.subplots(1, len(paths), sharex=True, sharey=True)
        errors = below.subplots()
        for axes, colour, name in zip(valleys, colours, paths, strict=True):
            draw_path(axes, paths[name], colour)
            title = textwrap.fill(name, 17)
            axes.set_title(title, color=drawing.words(colour), loc="center")
            draw_distance(errors, paths[name], rates[name], colour, name)
        valleys[0].set_ylabel(f"½ (x² + y²/{CONDITION_NUMBER:g}): y, flat")
        errors.set(
            title="dashed: the rate of theory",
            xlabel="step",
            ylabel="distance to the minimum",
            yscale="log",
        )


def draw_path(axes: Any, points: np.ndarray, colour: str) -> None:
    x, y = np.meshgrid(np.linspace(-0.42, 0.42, 100), np.linspace(-0.2, 1.1, 200))
    height = (x**2 + y**2 / CONDITION_NUMBER) / 2
    levels = np.geomspace(1e-4, 0.1, 12)
    axes.contour(x, y, height, levels, colors="0.85", linewidths=0.8)
    x, y = points.T
    drawing.line(axes, x, y, None, colour, marker=".", markersize=3, linewidth=1)
    axes.plot(0, 0, "k+")
    axes.set(xlabel="x, steep", xticks=(-0.3, 0, 0.3))


def draw_distance(
    axes: Any, points: np.ndarray, rate: float | None, colour: str, name: str
) -> None:
    distance = np.linalg.norm(points, axis=1)
    drawing.line(axes, np.arange(STEPS + 1), distance, name, colour)
    if rate is not None:
        # Through the last error: theory is about the slope alone.
        steps = np.array([STEPS // 4, STEPS])
        at = distance[STEPS] * rate ** (steps - STEPS)
        drawing.line(axes, steps, at, None, colour, linestyle="--", linewidth=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, nargs="?", default="narrow_valley.png")
    picture = parser.parse_args().picture
    optimizers = contestants()
    paths = {name: descend(optimizer) for name, (optimizer, _) in optimizers.items()}
    rates = {name: rate for name, (_, rate) in optimizers.items()}
    table = Table(
        title=f"κ = {CONDITION_NUMBER:g}, {STEPS} steps",
        caption="With the best γ the distance is like t · rate^t: slower at first.",
    )
    table.add_column("optimizer")
    for column in ("last distance", "rate, measured", "rate, theory"):
        table.add_column(column, justify="right")
    for name, points in paths.items():
        distance = np.linalg.norm(points, axis=1)
        half = STEPS // 2
        measured = (distance[STEPS] / distance[half]) ** (1 / (STEPS - half))
        rate = rates[name]
        theory = "" if rate is None else f"{rate:.4f}"
        table.add_row(name, f"{distance[-1]:.1e}", f"{measured:.4f}", theory)
    console = Console()
    console.print(table)
    draw(paths, rates, picture)
    console.print(str(picture), soft_wrap=True)


if __name__ == "__main__":
    main()
