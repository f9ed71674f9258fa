"""One training of a comparison, and the folder in which it is kept."""

import dataclasses
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_momentum import arguments

_FILE = "run.json"
# Lies in the folder of a run that is not finished.
_UNFINISHED = "unfinished"
# Lies in the folder of a comparison.
_SETTINGS = "comparison.json"

MODES = ("auto", "min", "max")
# Metrics with one of these in their names are to grow.
_TO_GROW = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "dice")


@dataclasses.dataclass(frozen=True)
class Run:
    """What one optimizer did with one seed.

    Attributes:
        name: The name of the optimizer in the comparison.
        seed: The seed.
        history: The logs of each epoch, by name, as in Keras's `History`.
        steps: The number of updates at the end of each epoch.
        seconds: The time that had been spent in training by then, without validation
            and without the first step.
        first_step_seconds: The duration of the first step, all tracing and compiling
            included; `None` where the step of another seed was used again.
        hyperparameters: What TensorBoard shows as HParams: with the gamma that training
            ended with, and the highest learning rate that an epoch ended with.
        made_of: What the run depends on, by name: a run is used again only if it is
            the same.
    """

    name: str
    seed: int
    history: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    steps: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    first_step_seconds: float | None = None
    hyperparameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    made_of: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Whether a loss became infinite or NaN."""
        losses = [self.history.get(key, [0.0])[-1:] for key in ("loss", "val_loss")]
        return not all(math.isfinite(loss) for last in losses for loss in last)

    def final(self, metric: str) -> float:
        """The metric at the end.

        Args:
            metric: The name of a metric in the history.

        Returns:
            Its last value; NaN if the run diverged.

        Raises:
            ValueError: If there is no such metric.
        """
        return math.nan if self.diverged else self._values(metric)[-1]

    def best(self, metric: str, mode: str) -> float:
        """The best value of a metric.

        Args:
            metric: The name of a metric in the history.
            mode: `"min"` or `"max"`. Whether the metric should fall or grow.

        Returns:
            Its best finite value; NaN if there is none.

        Raises:
            ValueError: If there is no such metric.
        """
        values = [value for value in self._values(metric) if math.isfinite(value)]
        if not values:
            return math.nan
        return max(values) if mode == "max" else min(values)

    def reached(self, metric: str, mode: str, target: float) -> int | None:
        """The first epoch at whose end a metric had reached a target.

        Args:
            metric: The name of a metric in the history.
            mode: `"min"` or `"max"`. Whether the metric should fall or grow.
            target: Its value that is to be reached.

        Returns:
            The number of the epoch, from 0; `None` if it was never reached.

        Raises:
            ValueError: If there is no such metric.
        """
        for epoch, value in enumerate(self._values(metric)):
            if value >= target if mode == "max" else value <= target:
                return epoch
        return None

    def _values(self, metric: str) -> list[float]:
        check_metric(metric, self.history)
        return self.history[metric]


class RunFolder:
    """The folder of a run.

    Args:
        path: The folder, which need not exist.
    """

    def __init__(self, path: Path):
        self.path = path

    @property
    def is_finished(self) -> bool:
        """Whether there is a finished run in it."""
        return (self.path / _FILE).exists()

    @property
    def is_of_others(self) -> bool:
        """Whether it has files, but not those of a run."""
        begun = self.is_finished or (self.path / _UNFINISHED).exists()
        return self.path.exists() and not begun

    def begin(self) -> None:
        """Deletes what is in it, and marks it as that of a run that is not finished."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        (self.path / _UNFINISHED).touch()

    def end(self, run: Run) -> None:
        """Writes the run, as a whole or not at all."""
        unfinished = self.path / f"{_FILE}.{os.getpid()}"
        text = json.dumps(dataclasses.asdict(run), indent=1)
        unfinished.write_text(text + "\n", "utf-8")
        unfinished.replace(self.path / _FILE)
        (self.path / _UNFINISHED).unlink(missing_ok=True)

    def read(self) -> Run:
        """Reads the run.

        Raises:
            ValueError: If the file is not one of a run.
        """
        file = self.path / _FILE
        try:
            return Run(**json.loads(file.read_text("utf-8")))
        except (TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{file}: it is not the file of a run: {error}") from error


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Writes by what a comparison judges: its metric, mode and target."""
    (folder / _SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")


def read_settings(folder: Path) -> dict[str, Any]:
    """Reads them; none where there is no comparison."""
    file = folder / _SETTINGS
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def default_metric(runs: Sequence[Run]) -> str:
    """The first validation metric, else the validation loss, else the loss."""
    logs = list(runs[0].history)
    validation = [name for name in logs if name.startswith("val_")]
    metrics = [name for name in validation if name != "val_loss"]
    return [*metrics, *validation, "loss"][0]


def direction(metric: str, mode: str) -> str:
    """`"max"` for a metric that is to grow, else `"min"`."""
    arguments.one_of("mode", mode, MODES)
    if mode != "auto":
        return mode
    grows = any(part in metric.lower() for part in _TO_GROW) and "loss" not in metric
    return "max" if grows else "min"


def check_metric(metric: str, logs: Mapping[str, Any]) -> None:
    """Raises `ValueError` if a metric is not in the logs."""
    if metric not in logs:
        raise ValueError(
            f"Argument `metric` must be one of {', '.join(sorted(logs))}. "
            f"Received: metric={metric!r}"
        )
