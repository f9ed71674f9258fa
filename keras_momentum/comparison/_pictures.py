"""Pictures of comparisons, drawn with matplotlib."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._statistics import Row, interval


def draw_comparison(
    file: Path,
    rows: Sequence[Row],
    runs: Sequence[Run],
    metric: str,
    target: float | None,
) -> None:
    """The metric over the steps, with 95 % bands, and beside it the final intervals.

    Args:
        file: Where the picture goes.
        rows: The figures of each optimizer, in the order in which they are drawn.
        runs: The runs.
        metric: The name of the metric in their histories.
        target: `None` or a value of the metric that gets a line.
    """
    height = max(4.5, 1.5 + 0.42 * len(rows))
    figure, (curves, finals) = _figure((13, height))
    for place, (row, colour) in enumerate(zip(rows, _colours(len(rows)), strict=True)):
        own = [run for run in runs if run.name == row.name]
        steps, middle, half_width = _band(own, metric)
        curves.plot(steps, middle, color=colour, label=row.name)
        band = (middle - half_width, middle + half_width)
        curves.fill_between(steps, *band, color=colour, alpha=0.15, linewidth=0)
        for run in own:
            finals.plot(run.final(metric), place, ".", color=colour, alpha=0.4)
        width = 0.0 if math.isnan(row.final.half_width) else row.final.half_width
        finals.errorbar(
            row.final.mean, place, xerr=width, fmt="o", color=colour, capsize=4
        )
        if row.diverged:
            text = f" {row.diverged} of {row.runs} diverged"
            finals.text(0.02, place, text, transform=finals.get_yaxis_transform())
    if target is not None:
        curves.axhline(target, color="0.5", linestyle=":", linewidth=1)
    curves.set(xlabel="updates", ylabel=metric)
    finals.set(xlabel=f"{metric} at the end, mean and 95 % interval")
    finals.set_yticks(range(len(rows)), [row.name for row in rows])
    finals.set_ylim(len(rows) - 0.5, -0.5)
    curves.legend(fontsize=8)
    figure.savefig(file, dpi=90)


def _figure(size: tuple[float, float]) -> tuple[Any, Any]:
    # Neither pyplot nor its backend: these are the user's.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2)
    for each in axes:
        each.grid(alpha=0.3)
        each.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _colours(count: int) -> list[Any]:
    import matplotlib as mpl

    name = "tab10" if count <= 10 else "tab20"
    colours = mpl.colormaps[name]
    return [colours(number % colours.N) for number in range(count)]


def _band(runs: Sequence[Run], metric: str) -> tuple[Any, Any, Any]:
    """Steps, means and half widths over the seeds, as far as any run has come."""
    steps = max((run.steps for run in runs), key=len)
    histories = [run.values(metric) for run in runs]
    bands = [interval(values) for values in _by_epoch(histories)]
    half_widths = np.nan_to_num([band.half_width for band in bands])
    return steps, np.array([band.mean for band in bands]), half_widths


def _by_epoch(histories: Sequence[Sequence[float]]) -> Iterator[list[float]]:
    for epoch in range(max(map(len, histories))):
        yield [values[epoch] for values in histories if epoch < len(values)]
