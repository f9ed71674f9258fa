"""What was found by trying several gammas."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_momentum.comparison.text import as_text


class GammaSearch:
    """What each gamma made of the same batches from the same weights.

    `print(search)` shows the table and the recommendation.

    Args:
        losses: The loss of each batch, before its update, by gamma; NaN from where it
            diverged on.
        seconds: The duration of the search.

    Attributes:
        losses: The argument.
        seconds: The argument.
        final_losses: The mean loss of the last quarter of the steps, by gamma; NaN if
            it diverged.
        recommended: The gamma with the lowest of them; `None` if all diverged.
    """

    def __init__(self, losses: dict[float, np.ndarray], seconds: float):
        self.losses = losses
        self.seconds = seconds
        self.final_losses = {
            gamma: float(np.mean(values[-max(1, len(values) // 4) :]))
            for gamma, values in losses.items()
        }
        finite = {g: x for g, x in self.final_losses.items() if math.isfinite(x)}
        self.recommended = min(finite, key=finite.__getitem__) if finite else None

    def verdict(self) -> str:
        """The recommendation, in words."""
        if self.recommended is None:
            return (
                "Every gamma diverged: the learning rate is too high for all of them."
            )
        text = f"Recommended: gamma = {self.recommended:g}."
        steps = len(self.losses[self.recommended])
        if self.recommended == max(self.losses):
            text += " It is the largest of those tried; try larger ones."
        if self.recommended < 1 and steps * (1 - self.recommended) < 3:
            text += (
                f" But {steps} steps are few for it, whose velocity remembers "
                f"{1 / (1 - self.recommended):.0f}."
            )
        return text

    def table(self, **options: Any) -> Any:
        """A `rich.table.Table`; `options` are its arguments."""
        import rich.table

        table = rich.table.Table(**options)
        for column in ("gamma", "first loss", "final loss", "lowest loss"):
            table.add_column(column, justify="right")
        for gamma, values in self.losses.items():
            finite = values[np.isfinite(values)]
            if math.isfinite(self.final_losses[gamma]):
                final = f"{self.final_losses[gamma]:.4g}"
            else:
                final = f"diverged in step {len(finite)}"
            lowest = f"{finite.min():.4g}" if len(finite) else "–"
            table.add_row(f"{gamma:g}", f"{values[0]:.4g}", final, lowest)
        return table

    def draw(self, file: str | Path) -> None:
        """Draws the losses over the steps, and what is left at the end."""
        from keras_momentum.comparison.pictures import draw_gamma_search

        draw_gamma_search(self, Path(file))

    def __str__(self) -> str:
        return as_text(self.table()) + self.verdict()
