"""The picture of the plane of gammas and learning rates."""

import itertools
import math
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_momentum.comparison._judging import is_near
from keras_momentum.comparison._plane import Trial


class _Cell(NamedTuple):
    """A trial, and the rectangle that it gets, in decades."""

    trial: Trial
    left: float
    right: float
    bottom: float
    top: float


def draw_plane(
    file: Path,
    trials: Sequence[Trial],
    steps: int,
    best: Trial | None,
    matters: bool,
    title: str,
) -> None:
    """A heat map of the loss over log η/(1 − γ) and log 1/(1 − γ).

    Args:
        file: Where the picture goes.
        trials: All trials. Losses of those that ended early are in brackets.
        steps: The number of steps to the end.
        best: The best one, if there is one.
        matters: Whether it is recommended: then it gets a star.
        title: What stands above.
    """
    # Neither pyplot nor its backend: these are the user's.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    rows = _rows(trials)
    colour, scale = _colours([trial.loss for trial in trials])
    for cell in (cell for row in rows for cell in row):
        _draw_cell(axes, cell, colour, steps)
    _draw_border(axes, rows, lambda trial: trial.diverged, "edge of stability", "k--")
    if best is not None:
        name = "within 5 %"
        _draw_border(axes, rows, lambda trial: is_near(trial, best), name, "r-")
        if matters:
            (cell,) = (each for row in rows for each in row if each.trial is best)
            x, y = (
                (cell.left + cell.right) / 2,
                cell.top - 0.2 * (cell.top - cell.bottom),
            )
            axes.plot(x, y, "*", color="red", mec="white", ms=15, label="best pair")
    if scale is not None:
        figure.colorbar(scale, ax=axes, label="loss at the averaged weights")
    ends = [trial.effective_rate for trial in trials]
    _set_axes(axes, rows, ends)
    axes.set_title(textwrap.fill(title, 88), fontsize=9, loc="left")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, dpi=110)


def _rows(trials: Sequence[Trial]) -> list[list[_Cell]]:
    """A row for each gamma, from the smallest."""
    gammas = sorted({trial.pair.gamma for trial in trials})
    heights = _edges([-math.log10(1 - gamma) for gamma in gammas])
    found = []
    for number, gamma in enumerate(gammas):
        row = sorted(
            (trial for trial in trials if trial.pair.gamma == gamma),
            key=lambda trial: trial.effective_rate,
        )
        widths = _edges([math.log10(trial.effective_rate) for trial in row])
        found.append(
            [
                _Cell(trial, *widths[i : i + 2], *heights[number : number + 2])
                for i, trial in enumerate(row)
            ]
        )
    return found


def _edges(centres: Sequence[float]) -> list[float]:
    """The borders of cells around points in order."""
    if len(centres) == 1:
        return [centres[0] - 0.1, centres[0] + 0.1]
    middles = (np.array(centres[1:]) + centres[:-1]) / 2
    first, last = 2 * centres[0] - middles[0], 2 * centres[-1] - middles[-1]
    return [float(edge) for edge in (first, *middles, last)]


def _colours(losses: Sequence[float]) -> tuple[Callable[[float], Any], Any]:
    """A colour for each finite loss, and the scale; dark is low."""
    import matplotlib as mpl

    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return (lambda loss: "0.8"), None
    low, high = min(finite), max(finite)
    kind = mpl.colors.LogNorm if low > 0 and high > low else mpl.colors.Normalize
    scale = mpl.cm.ScalarMappable(kind(low, high), "cividis")
    return (lambda loss: scale.to_rgba(loss) if math.isfinite(loss) else "0.8"), scale


def _draw_cell(axes: Any, cell: _Cell, colour: Any, steps: int) -> None:
    from matplotlib.patches import Rectangle

    trial = cell.trial
    face = colour(trial.loss)
    size = (cell.right - cell.left, cell.top - cell.bottom)
    corner = (cell.left, cell.bottom)
    axes.add_patch(Rectangle(corner, *size, facecolor=face, edgecolor="white", lw=0.5))
    text = "diverged" if trial.diverged else f"{trial.loss:.3g}"
    if trial.steps < steps and not trial.diverged:
        text = f"({text})"
    is_dark = not trial.diverged and np.mean(face[:3]) < 0.5
    axes.text(
        (cell.left + cell.right) / 2,
        (cell.bottom + cell.top) / 2,
        text,
        ha="center",
        va="center",
        fontsize=9 if not trial.diverged else 8,
        color="white" if is_dark else "black",
    )


def _draw_border(
    axes: Any,
    rows: Sequence[Sequence[_Cell]],
    is_in: Callable[[Trial], bool],
    name: str,
    style: str,
) -> None:
    """A line between the cells that have a property and those that have not."""
    label: str | None = name
    for xs, ys in _border(rows, is_in):
        axes.plot(xs, ys, style, lw=2.5, label=label, solid_capstyle="round")
        label = None


def _border(
    rows: Sequence[Sequence[_Cell]], is_in: Callable[[Trial], bool]
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    found = []
    for row in rows:
        for first, second in itertools.pairwise(row):
            if is_in(first.trial) != is_in(second.trial):
                found.append(((second.left,) * 2, (first.bottom, first.top)))
    for below, above in itertools.pairwise(rows):
        for first in below:
            for second in above:
                left = max(first.left, second.left)
                right = min(first.right, second.right)
                if left < right and is_in(first.trial) != is_in(second.trial):
                    found.append(((left, right), (first.top,) * 2))
    return found


def _set_axes(axes: Any, rows: Sequence[Sequence[_Cell]], rates: list[float]) -> None:
    cells = [cell for row in rows for cell in row]
    axes.set_xlim(min(c.left for c in cells), max(c.right for c in cells))
    axes.set_ylim(cells[0].bottom, cells[-1].top)
    ticks = np.geomspace(min(rates), max(rates), 6) if len(set(rates)) > 1 else rates
    axes.set_xticks(np.log10(ticks), [f"{tick:.2g}" for tick in ticks])
    gammas = [row[0].trial.pair.gamma for row in rows]
    axes.set_yticks(
        [-math.log10(1 - gamma) for gamma in gammas],
        [f"{1 / (1 - gamma):.3g} (γ = {gamma:g})" for gamma in gammas],
    )
    axes.set_xlabel("effective learning rate: η/(1 − γ), or η if velocity averages")
    axes.set_ylabel("memory of the velocity in steps, 1/(1 − γ)")
