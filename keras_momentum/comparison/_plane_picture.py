"""The picture of the plane of gammas and learning rates."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_momentum import drawing
from keras_momentum.comparison._judging import is_near
from keras_momentum.comparison._plane import Trial

_EDGE = {"label": "edge of stability", "color": "black", "linestyle": "--"}
_NEAR = {"label": "within 5 %", "color": drawing.VERMILLION, "linestyle": "-"}


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
    rows = _rows(trials)
    with drawing.picture(file, title, 6.5) as figure:
        axes = figure.subplots()
        _draw_cells(figure, axes, rows, steps)
        _draw_border(axes, rows, lambda trial: trial.diverged, _EDGE)
        if best is not None:
            _draw_border(axes, rows, lambda trial: is_near(trial, best), _NEAR)
            if matters:
                _draw_star(axes, rows, best)
        _set_axes(axes, rows, [trial.effective_rate for trial in trials])
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside lower center", ncols=3, frameon=False)


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


def _draw_cells(
    figure: Any, axes: Any, rows: Sequence[Sequence[_Cell]], steps: int
) -> None:
    """A colour for each finite loss, dark for low, and its number."""
    cells = [cell for row in rows for cell in row]
    finite = [cell.trial.loss for cell in cells if math.isfinite(cell.trial.loss)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    norm = "log" if 0 < low < high else "linear"
    axes.grid(visible=False)
    for row in rows:
        mesh = axes.pcolormesh(
            [*(cell.left for cell in row), row[-1].right],
            [row[0].bottom, row[0].top],
            [[cell.trial.loss for cell in row]],
            cmap="cividis",
            norm=norm,
            vmin=low,
            vmax=high,
            edgecolor="white",
            linewidth=0.5,
        )
        for cell in row:
            if not math.isfinite(cell.trial.loss):
                across = (cell.left, cell.right)
                axes.fill_between(across, cell.bottom, cell.top, color="0.85", zorder=0)
            _write_loss(axes, cell, mesh.to_rgba(cell.trial.loss), steps)
    if finite:
        ticks = sorted({low, high})
        bar = figure.colorbar(mesh, ax=axes, label="loss at the averaged weights")
        bar.set_ticks(ticks, labels=[f"{tick:.3g}" for tick in ticks])
        bar.minorticks_off()


def _write_loss(axes: Any, cell: _Cell, face: Sequence[float], steps: int) -> None:
    trial = cell.trial
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
        fontsize=9,
        color="white" if is_dark else "black",
    )


def _draw_star(axes: Any, rows: Sequence[Sequence[_Cell]], best: Trial) -> None:
    (cell,) = (each for row in rows for each in row if each.trial is best)
    axes.plot(
        # Left of the loss.
        cell.left + 0.15 * (cell.right - cell.left),
        (cell.bottom + cell.top) / 2,
        "*",
        color="white",
        markeredgecolor="black",
        markersize=12,
        linestyle="none",
        label="best pair",
    )


def _draw_border(
    axes: Any,
    rows: Sequence[Sequence[_Cell]],
    is_in: Callable[[Trial], bool],
    style: Mapping[str, Any],
) -> None:
    """A line between the cells that have a property and those that have not."""
    border = _border(rows, is_in)
    # White beneath, as the colours of the plane are as light and as dark as any.
    for xs, ys in border:
        axes.plot(xs, ys, color="white", linewidth=5.5, solid_capstyle="round")
    for number, (xs, ys) in enumerate(border):
        label = None if number else style["label"]
        axes.plot(xs, ys, **{**style, "label": label}, linewidth=2.5)


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
