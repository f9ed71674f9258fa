"""The figures of a comparison: means, intervals, and which pairs differ."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_momentum.comparison._runs import Run

# What fewer seeds than this say of a difference is chance.
FEWEST_SEEDS = 3


class Interval(NamedTuple):
    """A mean and the half width of its 95 % interval (Student's t); NaN of one value.

    Attributes:
        mean: The mean.
        half_width: How far the interval reaches to either side.
    """

    mean: float
    half_width: float


class Difference(NamedTuple):
    """A pair of optimizers that differ.

    Attributes:
        higher: The one with the higher metric.
        lower: The one with the lower metric.
        difference: The mean difference over the seeds.
        p_value: Of a paired t-test, after Holm's correction for all pairs.
    """

    higher: str
    lower: str
    difference: float
    p_value: float


class Row(NamedTuple):
    """What the table says of one optimizer; NaN stands for what is not known.

    Attributes:
        name: Its name.
        runs: The number of its runs.
        diverged: How many of them diverged; they count in nothing but `best`.
        final: The metric at the end, mean and 95 % interval over the seeds.
        best: The best value of all runs and epochs.
        reached: How many runs reached the target.
        steps_to_target: Updates until the validation that found it reached, the mean.
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


def interval(values: Sequence[float]) -> Interval:
    """The mean of the finite values, and its 95 % interval."""
    from scipy import stats

    finite = np.array([value for value in values if math.isfinite(value)])
    if not finite.size:
        return Interval(math.nan, math.nan)
    if finite.size == 1:
        return Interval(float(finite[0]), math.nan)
    error = finite.std(ddof=1) / math.sqrt(finite.size)
    half_width = stats.t.ppf(0.975, finite.size - 1) * error
    return Interval(float(finite.mean()), float(half_width))


def differences(
    values: Mapping[str, Mapping[int, float]], level: float = 0.05
) -> list[Difference]:
    """The pairs that differ, with a chance of 5 % that any one of them does not.

    Every pair is compared over the seeds that both have, at least three, by a paired
    t-test, as the two had the same weights and batches there.

    Args:
        values: The metric of each seed, by the optimizer's name.
        level: The chance.

    Reference:

    - Holm, 1979, "A simple sequentially rejective multiple test procedure".
    """
    tested = []
    for first, second in itertools.combinations(values, 2):
        pairs = np.array(
            [
                (values[first][seed], values[second][seed])
                for seed in values[first].keys() & values[second].keys()
            ]
        ).reshape(-1, 2)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]
        if len(pairs) >= FEWEST_SEEDS:
            gap = pairs[:, 0] - pairs[:, 1]
            names = (first, second) if gap.mean() >= 0 else (second, first)
            tested.append((_p_value(gap), *names, abs(float(gap.mean()))))
    found = []
    corrected = 0.0
    for number, (p, higher, lower, gap_mean) in enumerate(sorted(tested)):
        corrected = max(corrected, min(1.0, p * (len(tested) - number)))
        if corrected < level:
            found.append(Difference(higher, lower, gap_mean, corrected))
    return found


def row_of(runs: Sequence[Run], metric: str, mode: str, target: float | None) -> Row:
    """The figures of one optimizer.

    Args:
        runs: Its runs, at least one.
        metric: The name of a metric in their histories.
        mode: `"min"` or `"max"`. Whether the metric should fall or grow.
        target: `None` or the value of the metric to which steps and seconds are
            counted.
    """
    at = [] if target is None else _at_target(runs, metric, mode, target)
    first_steps = [run.first_step_seconds for run in runs if run.first_step_seconds]
    best = [run.best(metric, mode) for run in runs]
    finite = [value for value in best if math.isfinite(value)] or [math.nan]
    return Row(
        name=runs[0].name,
        runs=len(runs),
        diverged=sum(run.diverged for run in runs),
        final=interval([run.final(metric) for run in runs]),
        best=max(finite) if mode == "max" else min(finite),
        reached=len(at),
        steps_to_target=interval([steps for steps, _ in at]).mean,
        seconds_to_target=interval([seconds for _, seconds in at]).mean,
        first_step_seconds=interval(first_steps).mean,
    )


def _at_target(
    runs: Sequence[Run], metric: str, mode: str, target: float
) -> list[tuple[float, float]]:
    """Steps and seconds of each run that reached the target."""
    reached = [run.reached_after(metric, mode, target) for run in runs]
    return [(float(each[0]), each[1]) for each in reached if each is not None]


def _p_value(gap: np.ndarray) -> float:
    """Of a t-test whether the mean is 0."""
    from scipy import stats

    if np.ptp(gap) <= 1e-9 * np.abs(gap).max():
        return 0.0 if gap.any() else 1.0
    return float(stats.ttest_1samp(gap, 0.0).pvalue)
