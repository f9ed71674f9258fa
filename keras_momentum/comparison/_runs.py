"""One training of a comparison."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Run:
    """What one optimizer did with one seed.

    Attributes:
        name: The name of the optimizer in the comparison.
        seed: The seed.
        history: The logs of each epoch, by name, as in Keras's `History`; `None` for an
            epoch in which there was no such value.
        steps: The number of updates at the end of each epoch.
        seconds: The time that had been spent in training by then, without validation
            and without the first step.
        first_step_seconds: The duration of the first step, all tracing and compiling
            included; `None` where the step of another seed was used again.
        hyperparameters: What TensorBoard shows as HParams: with the gamma that training
            ended with, and the highest learning rate that an epoch ended with.
        made_of: What the run depends on, by name: a run is used again only if it is
            the same.
        directions: `"min"` or `"max"`, where it is known, by the name in the history.
        between: What was validated within epochs: `"steps"`, `"seconds"`, and the
            values by name.
    """

    name: str
    seed: int
    history: dict[str, list[float | None]] = dataclasses.field(default_factory=dict)
    steps: list[int] = dataclasses.field(default_factory=list)
    seconds: list[float] = dataclasses.field(default_factory=list)
    first_step_seconds: float | None = None
    hyperparameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    made_of: dict[str, Any] = dataclasses.field(default_factory=dict)
    directions: dict[str, str] = dataclasses.field(default_factory=dict)
    between: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Whether a loss became infinite or NaN."""
        losses = [_measured(self.history.get(key, [])) for key in ("loss", "val_loss")]
        return not all(math.isfinite(loss) for each in losses for loss in each[-1:])

    def final(self, metric: str) -> float:
        """The metric at the end.

        Args:
            metric: The name of a metric in the history.

        Returns:
            Its last value; NaN if the run diverged, or there is none.

        Raises:
            ValueError: If there is no such metric.
        """
        values = _measured(self._values(metric))
        return values[-1] if values and not self.diverged else math.nan

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
        values = [*_measured(self._values(metric)), *self.between.get(metric, [])]
        values = [value for value in values if math.isfinite(value)]
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
            if _is_reached(value, mode, target):
                return epoch
        return None

    def reached_after(
        self, metric: str, mode: str, target: float
    ) -> tuple[int, float] | None:
        """The updates and the seconds after which a metric had reached a target.

        Args:
            metric: The name of a metric in the history.
            mode: `"min"` or `"max"`. Whether the metric should fall or grow.
            target: Its value that is to be reached.

        Returns:
            Those of the first validation that found it, at the end of an epoch or
            within one; `None` if it was never reached.

        Raises:
            ValueError: If there is no such metric.
        """
        values = self._values(metric)
        at_the_end = zip(self.steps, self.seconds, values, strict=True)
        found = [
            (int(steps), seconds)
            for steps, seconds, value in (*at_the_end, *self._between(metric))
            if _is_reached(value, mode, target)
        ]
        return min(found, default=None)

    def values(self, metric: str) -> list[float]:
        """The metric at the end of each epoch; NaN where it was not measured."""
        return [math.nan if x is None else x for x in self._values(metric)]

    def _values(self, metric: str) -> list[float | None]:
        check_metric(metric, self.history)
        return self.history[metric]

    def _between(self, metric: str) -> Iterator[tuple[float, float, float]]:
        names = ("steps", "seconds", metric)
        return zip(*(self.between.get(name, []) for name in names), strict=False)


def check_metric(metric: str, logs: Mapping[str, Any]) -> None:
    """Raises `ValueError` if a metric is not in the logs."""
    if metric not in logs:
        raise ValueError(
            f"Argument `metric` must be one of {', '.join(sorted(logs))}. "
            f"Received: metric={metric!r}"
        )


def _measured(values: list[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _is_reached(value: float | None, mode: str, target: float) -> bool:
    if value is None:
        return False
    return value >= target if mode == "max" else value <= target
