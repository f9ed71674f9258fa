"""Draws how optimizers go down a narrow valley, and how fast, beside the theory.

    python examples/narrow_valley.py [picture.png]

The valley is ½ (x² + y² / κ). Plain gradient descent zigzags or crawls; momentum brings
the number of steps from κ down to its root.
"""

import argparse
import math
from pathlib import Path

import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from keras import ops
from rich.console import Console
from rich.table import Table

from keras_momentum import NAG, Momentum
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
    figure, (valley, errors) = plt.subplots(
        1, 2, figsize=(12, 4.5), layout="constrained", width_ratios=(1, 1.2)
    )
    x, y = np.meshgrid(np.linspace(-0.45, 0.45, 200), np.linspace(-0.4, 1.1, 200))
    height = (x**2 + y**2 / CONDITION_NUMBER) / 2
    levels = np.geomspace(1e-4, 0.1, 12)
    valley.contour(x, y, height, levels, colors="0.85", linewidths=0.8)
    for name, points in paths.items():
        valley.plot(*points.T, ".-", markersize=3, linewidth=0.8, alpha=0.8)
        distance = np.linalg.norm(points, axis=1)
        (line,) = errors.semilogy(distance, linewidth=1.5, label=name)
        rate = rates[name]
        if rate is not None:
            # Through the last error: theory is about the slope alone.
            steps = np.array([STEPS // 4, STEPS])
            at = distance[STEPS] * rate ** (steps - STEPS)
            errors.semilogy(steps, at, "--", color=line.get_color(), linewidth=1)
    valley.plot(0, 0, "k+")
    valley.set(
        title=f"Paths in the valley ½ (x² + y²/{CONDITION_NUMBER:g})",
        xlabel="x, steep",
        ylabel="y, flat",
    )
    errors.set(
        title="Distance to the minimum (dashed: the rate of theory)",
        xlabel="step",
        ylim=(1e-9, 3),
    )
    errors.legend(loc="lower left", fontsize=8)
    for axes in (valley, errors):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, nargs="?", default="narrow_valley.png")
    picture = parser.parse_args().picture
    optimizers = contestants()
    paths = {name: descend(optimizer) for name, (optimizer, _) in optimizers.items()}
    rates = {name: rate for name, (_, rate) in optimizers.items()}
    table = Table(title=f"κ = {CONDITION_NUMBER:g}, {STEPS} steps")
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
