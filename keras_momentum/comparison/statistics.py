"""Intervals of means, and which pairs of optimizers differ."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

# What fewer seeds than this say of a difference is chance.
FEWEST_SEEDS = 3
TEST = "paired t-test, Holm's correction"


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


def _p_value(gap: np.ndarray) -> float:
    """Of a t-test whether the mean is 0."""
    from scipy import stats

    if np.ptp(gap) <= 1e-9 * np.abs(gap).max():
        return 0.0 if gap.any() else 1.0
    return float(stats.ttest_1samp(gap, 0.0).pvalue)
