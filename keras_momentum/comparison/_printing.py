"""What is printed of a comparison: table, verdict, and the bar while it runs."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._statistics import FEWEST_SEEDS, Difference, Row

_TEST = "paired t-test, Holm's correction"


def table_of(
    rows: Sequence[Row], metric: str, target: float | None, options: Mapping[str, Any]
) -> Any:
    """A `rich.table.Table` of a comparison.

    Args:
        rows: The figures of each optimizer.
        metric: The name of the metric in them.
        target: `None` or the value to which steps and seconds were counted.
        options: Of `rich.table.Table`.
    """
    import rich.table
    import rich.text

    table = rich.table.Table(**options)
    table.add_column("optimizer", overflow="fold")
    columns = _columns(metric, target)
    for title in columns:
        table.add_column(title, justify="right")
    for row in rows:
        # As text: in brackets or between colons a name would be taken for a style.
        name = rich.text.Text(row.name)
        table.add_row(name, *(cell(row) for cell in columns.values()))
    return table


def as_text(table: Any, width: int = 120) -> str:
    """A `rich.table.Table` as lines of text."""
    import rich.console

    file = io.StringIO()
    rich.console.Console(file=file, width=width).print(table)
    return file.getvalue()


def verdict_of(
    rows: Sequence[Row],
    runs: Sequence[Run],
    metric: str,
    mode: str,
    found: Sequence[Difference],
) -> list[str]:
    """Which runs diverged and which optimizers differ, and by which test, in lines.

    Args:
        rows: The figures of each optimizer, the best one first.
        runs: The runs.
        metric: The name of the metric by which they are judged.
        mode: `"min"` or `"max"`. Whether the metric should fall or grow.
        found: The pairs of optimizers that differ.
    """
    lines = [
        f"{row.name}: {row.diverged} of {row.runs} runs diverged and are not in the "
        "mean."
        for row in rows
        if row.diverged
    ]
    if len(rows) == 1:
        return lines
    least = min(row.runs for row in rows)
    if least < FEWEST_SEEDS:
        seeds = f"{least} seed{'s' if least > 1 else ''}"
        return [
            *lines,
            f"Differences are not resolved: {seeds}; take at least {FEWEST_SEEDS}.",
        ]
    results = {(run.name, *map(str, run.values(metric))) for run in runs}
    if len(results) == len(rows):
        return [
            *lines,
            "Differences are not resolved: every seed gave the same result, as neither "
            "weights nor batches followed from it.",
        ]
    return [*lines, *_pairs(rows, len({run.seed for run in runs}), mode, found)]


class Progress:
    """A bar over the epochs of all runs.

    Args:
        bar: A `rich.progress.Progress`.
        epochs: The number of epochs of all runs.
    """

    def __init__(self, bar: Any, epochs: int):
        self._bar = bar
        self._task = bar.add_task("", total=epochs)
        self._before = 0

    def epoch(self, run: Run, logs: dict[str, float], epochs: int) -> None:
        """Shows the end of an epoch, and how many there have been in the run."""
        from rich.markup import escape

        loss = logs.get("val_loss", logs.get("loss", math.nan))
        description = escape(f"{run.name}, seed {run.seed}: loss {loss:.4g}")
        self._bar.update(
            self._task, completed=self._before + epochs, description=description
        )

    def end(self, run: Run, epochs: int) -> None:
        """Shows the end of a run, of which some epochs were perhaps not needed."""
        self._before += epochs
        self._bar.update(self._task, completed=self._before)
        if run.diverged:
            at = len(run.steps)
            self._say(f"{run.name}, seed {run.seed}: diverged in epoch {at}.")

    def skip(self, runs: int, of: int, epochs: int) -> None:
        """Shows that some runs are there already."""
        if runs:
            self._say(f"{runs} of {of} runs are finished; they are not repeated.")
            self._before += runs * epochs
            self._bar.update(self._task, completed=self._before)

    def _say(self, text: str) -> None:
        if not self._bar.disable:
            self._bar.print(text, markup=False, emoji=False)


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


def _pairs(
    rows: Sequence[Row], seeds: int, mode: str, found: Sequence[Difference]
) -> list[str]:
    how = f"{_TEST}, {seeds} seeds, p < 0.05"
    if not found:
        return [f"No two optimizers differ ({how})."]
    better = [
        (each.higher, each.lower) if mode == "max" else (each.lower, each.higher)
        for each in found
    ]
    lines = [f"Better than ({how}):"]
    for row in rows:
        worse = [loser for winner, loser in better if winner == row.name]
        if worse:
            lines.append(f"  {row.name}: {', '.join(worse)}")
    pairs = len(rows) * (len(rows) - 1) // 2
    lines.append(f"The other {pairs - len(found)} of {pairs} pairs do not differ.")
    return lines


def _columns(metric: str, target: float | None) -> dict[str, Callable[[Row], str]]:
    """What each column says of an optimizer, by its title, after the name."""
    columns = {
        f"{metric}, mean ± 95 %": _final,
        "best": lambda row: _number(row.best),
    }
    if target is not None:
        columns[f"steps to {target:g}"] = _steps
        columns[f"seconds to {target:g}"] = lambda row: _short(row.seconds_to_target)
    columns["first step, s"] = lambda row: _short(row.first_step_seconds)
    return columns


def _final(row: Row) -> str:
    final = _number(row.final.mean)
    if not math.isnan(row.final.half_width):
        final += f" ± {_number(row.final.half_width)}"
    if row.diverged:
        final += f" ({row.diverged} of {row.runs} diverged)"
    return final


def _steps(row: Row) -> str:
    some = f" ({row.reached} of {row.runs})" if row.reached < row.runs else ""
    return _whole(row.steps_to_target) + some


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"


def _whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def _short(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
