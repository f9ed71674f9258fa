"""The result of a comparison, which can be read from its folder."""

import csv
import math
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from keras_momentum.comparison._event_files import is_logged, runs_from_logs
from keras_momentum.comparison._metrics import default_metric, direction
from keras_momentum.comparison._pictures import draw_comparison
from keras_momentum.comparison._printing import as_text, table_of, verdict_of
from keras_momentum.comparison._results import Results
from keras_momentum.comparison._run_folder import is_run, is_unfinished, read_run
from keras_momentum.comparison._runs import Run, check_metric
from keras_momentum.comparison._same import check_together
from keras_momentum.comparison._statistics import (
    Difference,
    Row,
    differences,
    row_of,
)


class Comparison:
    """The runs of several optimizers, and what can be said of them.

    `print(comparison)` shows the table and which optimizers differ.

    Args:
        runs: The runs.
        metric: The name of the metric in the runs' `history` by which they are judged.
        mode: `"auto"`, `"min"` or `"max"`. Whether the metric should fall or grow;
            `"auto"` takes what the runs know of it: losses fall, and of its own metrics
            Keras says it. Defaults to `"auto"`.
        target: `None` or a float. The value of the metric to which steps and seconds
            are counted. Defaults to `None`.

    Raises:
        ValueError: If an argument is not as said above, or `mode` is `"auto"` and the
            direction is not known.

    Attributes:
        runs: The argument, as a list.
        metric: The argument.
        mode: `"min"` or `"max"`.
        target: The argument.
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
        for run in self.runs:
            check_metric(metric, run.history)
        self.mode = direction(metric, mode, self.runs[0].directions)
        self.target = target

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
        rows = [
            row_of(self.of(name), self.metric, self.mode, self.target)
            for name in self.names
        ]
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
        rows, found = self.rows(), self.differences()
        return "\n".join(verdict_of(rows, self.runs, self.metric, self.mode, found))

    def table(self, **options: Any) -> Any:
        """A `rich.table.Table`.

        Args:
            **options: Of `rich.table.Table`, for example `box=rich.box.MARKDOWN`.
        """
        return table_of(self.rows(), self.metric, self.target, options)

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
        """Draws the metric over the updates, and at the end; the title is the verdict.

        The best optimizer and the baseline are in colour, with 95 % bands. The baseline
        is plain gradient descent, or else the first optimizer.
        """
        draw_comparison(
            Path(file),
            self.rows(),
            self.runs,
            self.metric,
            self.mode,
            self.target,
            self.verdict().splitlines(),
        )

    def __str__(self) -> str:
        return as_text(self.table()) + self.verdict()


def load_comparison(
    path: str | Path,
    metric: str | None = None,
    mode: str | None = None,
    target: float | None = None,
) -> Comparison:
    """Reads a comparison from its folder; nothing is trained.

    Folders that `keras_momentum.comparison.compare` wrote are read, and those with logs
    of `keras.callbacks.TensorBoard`: a run is a folder with `train`, and perhaps
    `validation`, in it. The last part of its path is the seed if it is a number,
    perhaps behind a word (`seed-1`, `run_2`, `3`); what stands before it is the name of
    the optimizer. Of such logs, the number of updates is known only where there was
    validation, and else that of epochs takes its place; times are those of the clock
    since the end of the first epoch, and the first step's is not known.

    Args:
        path: The folder.
        metric: `None` or the name of a metric. Defaults to what the comparison was
            judged by; for other logs to the first validation metric, or the loss.
        mode: `None`, `"auto"`, `"min"` or `"max"`. Defaults likewise; for other logs to
            `"auto"`.
        target: `None` or a float. Defaults likewise; for other logs there is none.

    Returns:
        A `Comparison`.

    Raises:
        ImportError: If TensorBoard is missing and needed.
        ValueError: If there is no run in the folder, one is damaged, or two are of
            different data or models.

    Example:

    ```python
    comparison = keras_momentum.comparison.load_comparison("runs/comparison")
    print(comparison)
    ```
    """
    root = Path(path).expanduser()
    found = list(_runs(root))
    if not found:
        raise ValueError(
            "Argument `path` must be a folder with finished runs of `compare` or logs "
            f"of keras.callbacks.TensorBoard. Received: path={str(path)!r}"
        )
    check_together(found)
    settings = Results(root).settings()
    if metric is None:
        metric = settings.get("metric")
        mode = mode or settings.get("mode")
    if metric is None:
        known = found[0].directions
        losses = ("val_loss", "loss")
        names = [name for name in found[0].history if name in (*known, *losses)]
        metric = default_metric(names)
    return Comparison(
        found,
        metric,
        mode or "auto",
        settings.get("target") if target is None else target,
    )


def _runs(root: Path) -> Iterator[Run]:
    for folder in sorted({root, *(each for each in root.rglob("*") if each.is_dir())}):
        if is_run(folder):
            yield read_run(folder)
        elif is_unfinished(folder):
            warnings.warn(
                f"{folder} has a run that is not finished, which is left out; call "
                "`compare` again to finish it.",
                stacklevel=3,
            )
        elif is_logged(folder):
            yield from runs_from_logs(folder, *_name_and_seed(folder, root))


def _name_and_seed(folder: Path, root: Path) -> tuple[str, int]:
    parts = folder.relative_to(root).parts or (root.resolve().name,)
    seed = re.fullmatch(r"(?:[A-Za-z]+[-_ ]?)?(\d{1,9})", parts[-1])
    if seed and len(parts) > 1:
        return "/".join(parts[:-1]), int(seed.group(1))
    return "/".join(parts), 0
