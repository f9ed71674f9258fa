"""What can be said of the optimizers of a comparison, and by which test."""

from typing import TYPE_CHECKING

from keras_momentum.comparison.statistics import FEWEST_SEEDS, TEST

if TYPE_CHECKING:
    from keras_momentum.comparison.comparison import Comparison


def verdict_of(comparison: "Comparison") -> list[str]:
    """Which runs diverged and which optimizers differ, in lines."""
    lines = [
        f"{row.name}: {row.diverged} of {row.runs} runs diverged and are not in the "
        "mean."
        for row in comparison.rows()
        if row.diverged
    ]
    if len(comparison.names) == 1:
        return lines
    least = min(len(comparison.of(name)) for name in comparison.names)
    if least < FEWEST_SEEDS:
        seeds = f"{least} seed{'s' if least > 1 else ''}"
        return [
            *lines,
            f"Differences are not resolved: {seeds}; take at least {FEWEST_SEEDS}.",
        ]
    if _seeds_are_alike(comparison):
        return [
            *lines,
            "Differences are not resolved: every seed gave the same result, as neither "
            "weights nor batches followed from it.",
        ]
    return [*lines, *_differences(comparison)]


def _seeds_are_alike(comparison: "Comparison") -> bool:
    return all(
        len({tuple(run.history[comparison.metric]) for run in comparison.of(name)}) == 1
        for name in comparison.names
    )


def _differences(comparison: "Comparison") -> list[str]:
    found = comparison.differences()
    how = f"{TEST}, {len(comparison.seeds)} seeds, p < 0.05"
    if not found:
        return [f"No two optimizers differ ({how})."]
    grows = comparison.mode == "max"
    better = [
        (each.higher, each.lower) if grows else (each.lower, each.higher)
        for each in found
    ]
    lines = [f"Better than ({how}):"]
    for row in comparison.rows():
        worse = [loser for winner, loser in better if winner == row.name]
        if worse:
            lines.append(f"  {row.name}: {', '.join(worse)}")
    pairs = len(comparison.names) * (len(comparison.names) - 1) // 2
    lines.append(f"The other {pairs - len(found)} of {pairs} pairs do not differ.")
    return lines
