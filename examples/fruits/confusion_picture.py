"""The table of what is taken for what, as a picture."""

from pathlib import Path
from typing import Any

import numpy as np

from fruits.confusion import Confusion
from keras_momentum import drawing

# So many fit into a picture, with names that can be read.
_MOST_CLASSES = 50
# In points: the side of the table, and the width of a digit.
_SIDE, _DIGIT = 430, 5.7
_LETTERS = 9.0


def draw_confusion(confusion: Confusion, split: str, file: Path) -> None:
    """Draws the table; of more than 50 classes those with the most mistakes.

    Args:
        confusion: The table.
        split: The name of the split that its pictures are of.
        file: The picture.
    """
    drawn = confusion.most_mistaken(_MOST_CLASSES)
    counts = confusion.counts[np.ix_(drawn, drawn)]
    shares = confusion.shares()[np.ix_(drawn, drawn)]
    cell = _SIDE / len(drawn)
    height = min(max(2.5 + 0.4 * len(drawn), 4.0), 8.5)
    with drawing.picture(file, _title(confusion, split, len(drawn)), height) as figure:
        axes = figure.subplots()
        # Seen where a row is empty.
        axes.set_facecolor(drawing.GREY)
        # The root makes a single mistake visible.
        axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
        names = [drawing.shown(confusion.classes[i], 16) for i in drawn]
        letters = min(_LETTERS, 0.85 * cell)
        axes.set_xticks(range(len(drawn)), names, fontsize=letters)
        axes.set_yticks(range(len(drawn)), names, fontsize=letters)
        axes.tick_params(length=0)
        axes.tick_params(axis="x", rotation=90 if len(drawn) > 4 else 0)
        axes.set(xlabel="what was seen", ylabel="what it is")
        axes.grid(visible=False)
        if len(str(counts.max())) * _DIGIT < cell and cell / 2 > _LETTERS:
            _write_numbers(axes, counts, shares)


def _write_numbers(axes: Any, counts: np.ndarray, shares: np.ndarray) -> None:
    for row, column in np.argwhere(counts):
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            fontsize=_LETTERS,
            color="white" if shares[row, column] > 0.3 else "black",
        )


def _title(confusion: Confusion, split: str, drawn: int) -> str:
    counts, classes = confusion.counts, len(confusion.classes)
    title = (
        f"{counts.trace() / counts.sum():.1%} of the {counts.sum():,} {split} pictures "
        f"are on the diagonal, where they are recognised; the darker a square, the "
        f"larger its share of its row."
    )
    if not counts.sum(axis=1).all():
        title += " Grey rows have no pictures."
    if drawn < classes:
        title += f" Shown are {drawn} of {classes:,} classes, with the most mistakes."
    return title
