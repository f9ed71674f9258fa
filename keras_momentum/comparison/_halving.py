"""Successive halving: how many trials go on, and to which step."""

from typing import NamedTuple


class Rung(NamedTuple):
    """A part of the training.

    Attributes:
        trials: How many trials of each gamma train in it.
        end: The step at which it ends.
    """

    trials: int
    end: int


def rungs_of(rates: int, steps: int, budget: float) -> list[Rung]:
    """A quarter of the steps, half of them, and all, each with fewer trials.

    Args:
        rates: The number of learning rates of each gamma.
        steps: The number of steps of the longest training.
        budget: The steps of all trials, as a share of what all of them would take if
            all trained to the end.

    Returns:
        The parts with the most trials that the budget allows; one of each gamma trains
        to the end in any case.

    Example:

    >>> rungs_of(6, 100, budget=0.5)
    [Rung(trials=6, end=25), Rung(trials=3, end=50), Rung(trials=1, end=100)]
    """
    # Each begins in the middle of what has been trained by its end.
    ends = sorted({-(-steps // 4), -(-steps // 2), steps})
    for second in range(rates, 0, -1):
        counts = [rates, second, max(1, second * second // rates)][-len(ends) :]
        rungs = [
            Rung(count, end)
            for count, end in zip([rates, *counts[1:]], ends, strict=True)
        ]
        if _cost(rungs) <= budget * rates * steps:
            return rungs
    return rungs


def _cost(rungs: list[Rung]) -> int:
    begins = [0, *(rung.end for rung in rungs)]
    return sum(
        rung.trials * (rung.end - begin)
        for rung, begin in zip(rungs, begins, strict=False)
    )
