"""The progress of a whole comparison."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_momentum.comparison.run import Run


class Progress:
    """A bar over the epochs of all runs.

    Args:
        bar: A `rich.progress.Progress`.
        epochs: The number of epochs of all runs.
    """

    def __init__(self, bar: Any, epochs: int):
        self._bar = bar
        self._task = bar.add_task("", total=epochs)

    def epoch(self, run: Run, logs: dict[str, float]) -> None:
        """Shows the end of an epoch."""
        loss = logs.get("val_loss", logs.get("loss", math.nan))
        description = f"{run.name}, seed {run.seed}: loss {loss:.4g}"
        self._bar.update(self._task, advance=1, description=description)

    def end(self, run: Run, epochs: int) -> None:
        """Shows the end of a run, of which some epochs were not needed."""
        self._bar.update(self._task, advance=epochs - len(run.steps))
        if run.diverged:
            at = len(run.steps)
            self._say(f"{run.name}, seed {run.seed}: diverged in epoch {at}.")

    def skip(self, runs: int, of: int, epochs: int) -> None:
        """Shows that some runs are there already."""
        if runs:
            self._say(f"{runs} of {of} runs are finished; they are not repeated.")
            self._bar.update(self._task, advance=runs * epochs)

    def _say(self, text: str) -> None:
        if not self._bar.disable:
            self._bar.print(text)


@contextmanager
def progress(epochs: int, verbose: int) -> Iterator[Progress]:
    """A bar while a comparison runs; none if `verbose` is 0."""
    from rich import progress as bars

    columns = (
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("epochs"),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.description}"),
    )
    with bars.Progress(*columns, disable=not verbose) as bar:
        yield Progress(bar, epochs)
