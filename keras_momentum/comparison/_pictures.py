"""The picture of a comparison: is the best optimizer better than the baseline?"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_momentum import drawing
from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._statistics import Row, interval

# Plain gradient descent while their gamma is 0. Others may have a gamma of 0, too, as
# Keras's RMSprop has, and are something else.
_PLAIN = ("SGD", "Momentum", "NAG")
# Of a verdict in a title.
_MOST_LINES, _MOST_LETTERS = 6, 480
# What a scale spans before it is logarithmic.
_FACTOR = 100.0


def draw_comparison(
    file: Path,
    rows: Sequence[Row],
    runs: Sequence[Run],
    metric: str,
    mode: str,
    target: float | None,
    verdict: Sequence[str],
) -> None:
    """Curves over the updates, and below the values at the end of each optimizer.

    The best optimizer and the baseline are in colour, with 95 % bands, the others in
    grey. If nothing is better than the baseline, the second best is beside it.

    Args:
        file: Where the picture goes.
        rows: The figures of each optimizer, the best one first.
        runs: The runs, in the order in which the optimizers were given.
        metric: The name of the metric in their histories.
        mode: `"min"` or `"max"`. Whether the metric should fall or grow.
        target: `None` or a value of the metric that gets a line.
        verdict: What the comparison says, in lines.
    """
    baseline = _baseline(runs)
    best = next((row.name for row in rows if row.name != baseline), baseline)
    colours = {row.name: drawing.GREY for row in rows}
    colours |= {baseline: drawing.VERMILLION, best: drawing.BLUE}
    heights = (3.3, 0.75 + 0.25 * len(rows))
    with drawing.picture(
        file, _title(rows, metric, verdict), 0.8 + sum(heights)
    ) as figure:
        above, below = figure.subfigures(2, 1, height_ratios=heights)  # type: ignore[misc]
        curves, ends = above.subplots(), below.subplots()
        means = _draw_curves(curves, colours, runs, metric)
        if target is not None:
            _draw_target(curves, target)
            means.append(target)
        if _is_wide(means, mode):
            curves.set_yscale("log")
            # Not down to where a band would go below zero.
            curves.set_ylim(min(means) / 1.5, max(means) * 1.5)
        _draw_ends(ends, colours, rows, runs, metric, mode)
        names = {name: drawing.shown(name) for name in colours}
        if len(rows) > 1:
            names[baseline] = f"{drawing.shown(baseline, 23)} (baseline)"
        _name_rows(ends, names, colours)


def _baseline(runs: Sequence[Run]) -> str:
    """Plain gradient descent; where it is not among them, the first optimizer."""

    def is_plain(run: Run) -> bool:
        gammas = [gamma for gamma in run.history.get("gamma", []) if gamma is not None]
        is_zero = bool(gammas) and not any(gammas)
        return is_zero and run.hyperparameters.get("optimizer") in _PLAIN

    return next((run.name for run in runs if is_plain(run)), runs[0].name)


def _title(rows: Sequence[Row], metric: str, verdict: Sequence[str]) -> str:
    if _is_long(verdict):
        # That runs diverged stands beside the rows, too.
        verdict = verdict[sum(row.diverged > 0 for row in rows) :]
    if _is_long(verdict):
        # Those who are better than others come in the order of the rows.
        *found, last = verdict
        verdict = [*(_cut(line) for line in found[:3]), "  …", last]
    if verdict:
        return "\n".join(verdict)
    (row,) = rows
    runs = f"{row.runs} run{'s' if row.runs > 1 else ''}"
    return f"{row.name}: {metric} {row.final.mean:.4g} at the end, mean of {runs}."


def _is_long(verdict: Sequence[str]) -> bool:
    return len(verdict) > _MOST_LINES or sum(map(len, verdict)) > _MOST_LETTERS


def _cut(line: str) -> str:
    length = _MOST_LETTERS // _MOST_LINES
    return line if len(line) <= length else f"{line[: length - 1]}…"


class _Curve(NamedTuple):
    """The mean of the runs that did not diverge, after the updates that all have."""

    steps: list[int]
    means: np.ndarray
    half_widths: np.ndarray


def _curve(runs: Sequence[Run], metric: str) -> _Curve:
    measured = [
        {
            step: value
            for step, value in zip(run.steps, run.values(metric), strict=True)
            if math.isfinite(value)
        }
        for run in runs
        if not run.diverged
    ]
    steps = sorted(set.intersection(*map(set, measured))) if measured else []
    bands = [interval([values[step] for values in measured]) for step in steps]
    return _Curve(
        steps,
        np.array([band.mean for band in bands]),
        np.array([band.half_width for band in bands]),
    )


def _draw_curves(
    axes: Any, colours: Mapping[str, str], runs: Sequence[Run], metric: str
) -> list[float]:
    """Draws them, and gives all means."""
    means: list[float] = []
    for name, colour in colours.items():
        curve = _curve([run for run in runs if run.name == name], metric)
        drawing.line(axes, curve.steps, curve.means, name, colour)
        means.extend(curve.means)
        if colour != drawing.GREY:
            low, high = (curve.means + sign * curve.half_widths for sign in (-1, 1))
            axes.fill_between(
                curve.steps, low, high, color=colour, alpha=0.15, linewidth=0
            )
    axes.set_xlabel("updates")
    axes.set_ylabel(drawing.shown(metric))
    if not means:
        axes.set(xticks=[], yticks=[])
        are_lost = all(run.diverged for run in runs)
        text = "all runs diverged" if are_lost else "no update that all runs have"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center")
    return means


def _draw_target(axes: Any, target: float) -> None:
    axes.axhline(target, color=drawing.words(drawing.GREY), linestyle=":", linewidth=1)
    axes.text(
        0.01,
        target,
        f"target {target:g}",
        transform=axes.get_yaxis_transform(),
        va="bottom",
        fontsize=9,
        color=drawing.words(drawing.GREY),
    )


def _draw_ends(
    axes: Any,
    colours: Mapping[str, str],
    rows: Sequence[Row],
    runs: Sequence[Run],
    metric: str,
    mode: str,
) -> None:
    every = []
    for place, row in enumerate(rows):
        colour = colours[row.name]
        own = [run.final(metric) for run in runs if run.name == row.name]
        own = [value for value in own if math.isfinite(value)]
        every += own
        axes.plot(own, [place] * len(own), "o", color=colour, markersize=3.5, alpha=0.6)
        if own:
            mean, half_width = row.final
            ends = (mean - half_width, mean + half_width)
            axes.plot(ends, (place, place), color=colour, linewidth=2)
            axes.plot(mean, place, "o", color=colour, markersize=7)
        if row.diverged:
            text = f"{row.diverged} of {row.runs} diverged"
            where = axes.get_yaxis_transform()
            axes.text(1.02, place, text, transform=where, va="center", fontsize=9)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"{drawing.shown(metric)} at the end: runs, mean, 95 % interval")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    if not every:
        axes.set_xticks([])
    if _is_wide(every, mode):
        axes.set_xscale("log")
        axes.set_xlim(min(every) / 1.5, max(every) * 1.5)


def _name_rows(axes: Any, names: Mapping[str, str], colours: Mapping[str, str]) -> None:
    axes.set_yticks(range(len(names)), list(names.values()))
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(drawing.words(colours[name]))


def _is_wide(values: Sequence[float], mode: str) -> bool:
    """Whether losses, if there are any, span more than two decades."""
    if not values:
        return False
    return mode == "min" and min(values) > 0 and max(values) > _FACTOR * min(values)
