"""Pictures of comparisons, drawn with matplotlib."""

import math
from collections.abc import Iterator, Mapping, Sequence
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


def draw_gammas(
    file: Path,
    losses: Mapping[float, np.ndarray],
    final_losses: Mapping[float, float],
    recommended: float | None,
) -> None:
    """The loss over the steps for each gamma, and what is left at the end.

    Args:
        file: Where the picture goes.
        losses: The loss of each step, by gamma.
        final_losses: The height of the point of each gamma; NaN if it diverged.
        recommended: The gamma whose curve is thicker, if there is one.
    """
    figure, (curves, finals) = _figure((12, 4.5))
    gammas = list(losses)
    colours = _colours(len(gammas))
    for gamma, colour in zip(gammas, colours, strict=True):
        is_best = gamma == recommended
        label = f"γ = {gamma:g}" + (" (recommended)" if is_best else "")
        curves.plot(losses[gamma], color=colour, alpha=0.2, linewidth=0.8)
        curves.plot(
            _smooth(losses[gamma]),
            color=colour,
            label=label,
            linewidth=2.5 if is_best else 1.2,
        )
    curves.set(xlabel="step", ylabel="loss of the batch (thick: smoothed)")
    finite = np.concatenate([each[np.isfinite(each)] for each in losses.values()])
    if finite.size and finite.min() > 0:
        curves.set_yscale("log")
    curves.legend(fontsize=8)
    final = [final_losses[gamma] for gamma in gammas]
    places = range(len(gammas))
    finals.plot(places, final, "-", color="0.8", zorder=0)
    finals.scatter(places, final, color=colours)
    for place, value in zip(places, final, strict=True):
        if not math.isfinite(value):
            finals.text(
                place,
                0.5,
                "diverged",
                rotation=90,
                ha="center",
                transform=finals.get_xaxis_transform(),
            )
    finals.set_xticks(places, [f"{gamma:g}" for gamma in gammas])
    finals.set(xlabel="γ", ylabel="mean loss of the last quarter of the steps")
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


def _smooth(losses: np.ndarray) -> np.ndarray:
    """The mean of the last tenth of all steps, at each step."""
    width = max(1, len(losses) // 10)
    sums = np.cumsum(np.concatenate([[0.0], losses]))
    begins = np.maximum(0, np.arange(1, len(losses) + 1) - width)
    ends = np.arange(1, len(losses) + 1)
    return (sums[ends] - sums[begins]) / (ends - begins)
