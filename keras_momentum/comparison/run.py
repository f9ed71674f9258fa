"""One training of a comparison, as it is kept."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "run.json"


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
        """The metric at the end; NaN if the run diverged."""
        return math.nan if self.diverged else self._values(metric)[-1]

    def best(self, metric: str, mode: str) -> float:
        """The best value of the metric; NaN if there is none."""
        values = [value for value in self._values(metric) if math.isfinite(value)]
        if not values:
            return math.nan
        return max(values) if mode == "max" else min(values)

    def reached(self, metric: str, mode: str, target: float) -> int | None:
        """The first epoch, from 0, at whose end the metric had reached a target."""
        for epoch, value in enumerate(self._values(metric)):
            if value >= target if mode == "max" else value <= target:
                return epoch
        return None

    def save(self, folder: Path) -> None:
        """Writes the run, as a whole or not at all."""
        unfinished = folder / f"{FILE}.{os.getpid()}"
        text = json.dumps(dataclasses.asdict(self), indent=1)
        unfinished.write_text(text + "\n", "utf-8")
        unfinished.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Reads a run.

        Raises:
            ValueError: If the file is not one of a run.
        """
        file = folder / FILE
        try:
            return cls(**json.loads(file.read_text("utf-8")))
        except (TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{file}: it is not the file of a run: {error}") from error

    def _values(self, metric: str) -> list[float]:
        check_metric(metric, self.history)
        return self.history[metric]


def check_metric(metric: str, logs: Mapping[str, Any]) -> None:
    """Raises `ValueError` if a metric is not in the logs."""
    if metric not in logs:
        raise ValueError(
            f"Argument `metric` must be one of {', '.join(sorted(logs))}. "
            f"Received: metric={metric!r}"
        )
