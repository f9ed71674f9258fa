"""The paths through the valley, and the distances to its minimum, as a picture."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from keras_momentum import drawing
from valley.descents import (
    CONDITION_NUMBER,
    LARGE_GAMMA,
    MANY_STEPS,
    STEPS,
    distances,
)

COLOURS = (
    *(drawing.BLUE, drawing.VERMILLION, drawing.GREEN, drawing.PURPLE),
    *("#000000", drawing.ORANGE, drawing.SKY),
)


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
        first, second, third = figure.subfigures(  # type: ignore[misc]
            3, 1, height_ratios=[1.0, 0.9, 0.9]
        )
        draw_paths(first.subplots(1, 5, sharex=True, sharey=True), drawn[:-2], -0.2)
        draw_distances(second.subplots(), drawn[:-2])
        left, right = third.subfigures(1, 2, width_ratios=[1.0, 1.4])
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
