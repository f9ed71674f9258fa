"""What is said and drawn of the updates that optimizers need at each batch size."""

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fruits.updates_needed import PLAIN, TARGET
from keras_momentum import drawing

CHOSEN = "Momentum 0.9"
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000)


class Needed(NamedTuple):
    """The updates that an optimizer needs at a batch size.

    Attributes:
        learning_rate: The one that was found.
        updates: A number for each seed, infinite where the loss was not reached.
    """

    learning_rate: float
    updates: list[float]

    @property
    def median(self) -> float:
        return float(np.median(self.updates))


Found = dict[bool, dict[str, dict[int, Needed]]]


def verdict(found: Found) -> str:
    """What momentum 0.9, chosen beforehand, needs of the updates of plain descent."""

    def share(normalized: bool, size: int) -> str:
        chosen, plain = (
            found[normalized][name][size].median for name in (CHOSEN, PLAIN)
        )
        known = chosen < math.inf and plain < math.inf
        return f"{chosen / plain:.0%}" if known else "an unknown share"

    sizes = found[False][PLAIN]
    small, large = min(sizes), max(sizes)
    return (
        f"Without batch normalization momentum 0.9 needs {share(False, large)} of the "
        f"updates of plain descent in batches of {large:,}, and {share(False, small)} "
        f"in batches of {small}; with it, {share(True, large)} and "
        f"{share(True, small)}."
    )


def draw(file: Path, found: Found, scales: dict[bool, list[float]]) -> None:
    """The updates over the batch size, each network by itself."""
    sizes = sorted(found[False][PLAIN])
    with drawing.picture(file, verdict(found), height=8.5) as figure:
        panels = figure.subplots(2, sharex=True)
        for axes, (normalized, of_all) in zip(panels, found.items(), strict=True):
            axes.set(
                xscale="log", yscale="log", ylabel=f"updates to a loss of {TARGET:g}"
            )
            for name, colour in zip(of_all, drawing.COLOURS, strict=False):
                draw_updates(axes, of_all[name], name, colour)
            first = of_all[PLAIN][sizes[0]].median * sizes[0]
            perfect = [first / size for size in sizes]
            drawing.line(axes, sizes, perfect, "half for twice the batch", ls="--")
            start, end = scales[normalized]
            if math.isfinite(start + end):
                axes.axvspan(start, end, color="0.93", zorder=0)
            axes.set_title(
                f"{name_of(normalized).capitalize()}; grey: the gradient noise scale, "
                f"from start to end {start:.0f} to {end:.0f}"
            )
            low, high = axes.get_ylim()
            shown = [tick for tick in TICKS if low <= tick <= high]
            axes.set_yticks(shown, [f"{tick:,}" for tick in shown])
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.minorticks_off()
        panels[-1].set_xlabel("batch size")


def draw_updates(axes: Any, needed: dict[int, Needed], name: str, colour: str) -> None:
    """Medians, and the range of the seeds where all of them got there."""
    sizes = sorted(needed)
    drawing.line(
        axes, sizes, [needed[size].median for size in sizes], name, colour, marker="o"
    )
    got_there = [size for size in sizes if max(needed[size].updates) < math.inf]
    axes.fill_between(
        got_there,
        [min(needed[size].updates) for size in got_there],
        [max(needed[size].updates) for size in got_there],
        color=colour,
        alpha=0.15,
        linewidth=0,
    )


def name_of(normalized: bool) -> str:
    return f"{'with' if normalized else 'without'} batch normalization"
