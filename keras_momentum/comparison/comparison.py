"""The result of a comparison: table, CSV, picture, and which optimizers differ."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from keras_momentum.comparison.run import Run, check_metric
from keras_momentum.comparison.statistics import (
    Difference,
    Interval,
    differences,
    interval,
)
from keras_momentum.comparison.text import as_text
from keras_momentum.comparison.verdict import verdict_of

# Metrics with one of these in their names are to grow.
_TO_GROW = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "dice")


class Row(NamedTuple):
    """What the table says of one optimizer; NaN stands for what is not known.

    Attributes:
        name: Its name.
        runs: The number of its runs.
        diverged: How many of them diverged; they count in nothing but `best`.
        final: The metric at the end, mean and 95 % interval over the seeds.
        best: The best value of all runs and epochs.
        reached: How many runs reached the target.
        steps_to_target: Updates until the end of the epoch that reached it, the mean.
        seconds_to_target: Training time until then, without the first step, the mean.
        first_step_seconds: The duration of the first step.
    """

    name: str
    runs: int
    diverged: int
    final: Interval
    best: float
    reached: int
    steps_to_target: float
    seconds_to_target: float
    first_step_seconds: float


class Comparison:
    """The runs of several optimizers, and what can be said of them.

    `print(comparison)` shows the table and which optimizers differ.

    Args:
        runs: The runs.
        metric: The name of the metric in the runs' `history` by which they are judged.
        mode: `"auto"`, `"min"` or `"max"`. Whether the metric should fall or grow;
            `"auto"` infers it from its name. Defaults to `"auto"`.
        target: `None` or a float. The value of the metric to which steps and seconds
            are counted. Defaults to `None`.

    Raises:
        ValueError: If an argument is not as said above.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        metric: str,
        mode: str = "auto",
        target: float | None = None,
    ):
        if not runs:
            raise ValueError("Argument `runs` must have at least one run. Received: []")
        self.runs = list(runs)
        self.metric = metric
        self.mode = direction(metric, mode)
        self.target = target
        for run in self.runs:
            check_metric(metric, run.history)

    @property
    def names(self) -> list[str]:
        """The names of the optimizers, in the order in which they were given."""
        return list(dict.fromkeys(run.name for run in self.runs))

    @property
    def seeds(self) -> list[int]:
        """All seeds."""
        return sorted({run.seed for run in self.runs})

    def of(self, name: str) -> list[Run]:
        """The runs of one optimizer."""
        return [run for run in self.runs if run.name == name]

    def rows(self) -> list[Row]:
        """The rows of the table, the best optimizer first."""
        rows = [self._row(name) for name in self.names]
        sign = -1 if self.mode == "max" else 1

        def rank(row: Row) -> tuple[bool, float]:
            mean = row.final.mean
            return (math.isnan(mean), 0.0 if math.isnan(mean) else sign * mean)

        return sorted(rows, key=rank)

    def differences(self) -> list[Difference]:
        """The pairs of optimizers whose final metrics differ."""
        return differences(
            {
                name: {run.seed: run.final(self.metric) for run in self.of(name)}
                for name in self.names
            }
        )

    def verdict(self) -> str:
        """Which optimizers differ, in words, and by which test."""
        return "\n".join(verdict_of(self))

    def table(self, **options: Any) -> Any:
        """A `rich.table.Table`.

        Args:
            **options: Of `rich.table.Table`, for example `box=rich.box.MARKDOWN`.
        """
        import rich.table

        table = rich.table.Table(**options)
        table.add_column("optimizer", overflow="fold")
        final = f"{self.metric}, mean ± 95 %"
        at_target = "" if self.target is None else f" to {self.target:g}"
        for column in (
            final,
            "best",
            *([f"steps{at_target}", f"seconds{at_target}"] if at_target else []),
            "first step, s",
        ):
            table.add_column(column, justify="right")
        for row in self.rows():
            table.add_row(row.name, *self._cells(row))
        return table

    def to_csv(self, file: str | Path) -> None:
        """Writes the table, a number a cell."""
        with Path(file).open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            fields = [field for field in Row._fields if field != "final"]
            writer.writerow([*fields, "final_mean", "final_half_width", "metric"])
            for row in self.rows():
                values = [getattr(row, field) for field in fields]
                writer.writerow([*values, *row.final, self.metric])

    def draw(self, file: str | Path) -> None:
        """Draws the metric over the steps, with bands, and the intervals at the end."""
        from keras_momentum.comparison.pictures import draw_comparison

        draw_comparison(self, Path(file))

    def __str__(self) -> str:
        return as_text(self.table()) + self.verdict()

    def _row(self, name: str) -> Row:
        runs = self.of(name)
        at = [] if self.target is None else self._at_target(runs, self.target)
        first_steps = [run.first_step_seconds for run in runs if run.first_step_seconds]
        best = [run.best(self.metric, self.mode) for run in runs]
        finite = [value for value in best if math.isfinite(value)] or [math.nan]
        return Row(
            name=name,
            runs=len(runs),
            diverged=sum(run.diverged for run in runs),
            final=interval([run.final(self.metric) for run in runs]),
            best=max(finite) if self.mode == "max" else min(finite),
            reached=len(at),
            steps_to_target=interval([steps for steps, _ in at]).mean,
            seconds_to_target=interval([seconds for _, seconds in at]).mean,
            first_step_seconds=interval(first_steps).mean,
        )

    def _at_target(self, runs: list[Run], target: float) -> list[tuple[float, float]]:
        found = []
        for run in runs:
            epoch = run.reached(self.metric, self.mode, target)
            if epoch is not None:
                found.append((float(run.steps[epoch]), run.seconds[epoch]))
        return found

    def _cells(self, row: Row) -> list[str]:
        final = _number(row.final.mean)
        if not math.isnan(row.final.half_width):
            final += f" ± {_number(row.final.half_width)}"
        if row.diverged:
            final += f" ({row.diverged} of {row.runs} diverged)"
        cells = [final, _number(row.best)]
        if self.target is not None:
            some = f" ({row.reached} of {row.runs})" if row.reached < row.runs else ""
            cells.append(_whole(row.steps_to_target) + some)
            cells.append(_short(row.seconds_to_target))
        return [*cells, _short(row.first_step_seconds)]


def direction(metric: str, mode: str) -> str:
    """`"max"` for a metric that is to grow, else `"min"`."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(
            f'Argument `mode` must be "auto", "min" or "max". Received: mode={mode!r}'
        )
    if mode != "auto":
        return mode
    grows = any(part in metric.lower() for part in _TO_GROW) and "loss" not in metric
    return "max" if grows else "min"


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.4g}"


def _whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def _short(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3g}"
