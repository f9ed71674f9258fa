"""The plane of gammas and learning rates, and what training made of each pair."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# Of learning rates that nobody gave.
_RATES = 6


class Pair(NamedTuple):
    """A gamma and a learning rate.

    Attributes:
        gamma: The momentum coefficient.
        learning_rate: The learning rate η, as the optimizer gets it.
    """

    gamma: float
    learning_rate: float


@dataclasses.dataclass(frozen=True)
class Trial:
    """What the training with one pair came to.

    Attributes:
        pair: Gamma and the learning rate.
        effective_rate: What a constant gradient is multiplied by in the end: η/(1 − γ),
            or η where the velocity is an average.
        losses: The loss of each batch, before its update; NaN from where it ended.
        judged: The losses of the batches that are held back, at the average of the
            iterates in the second half of the steps; NaN if it diverged.
        steps: The number of steps that it trained.
        diverged: Whether a loss became infinite or NaN, or the loss that judges more
            than twice that of the start.
    """

    pair: Pair
    effective_rate: float
    losses: np.ndarray
    judged: np.ndarray
    steps: int = 0
    diverged: bool = False

    @property
    def loss(self) -> float:
        """The mean loss that judges; NaN if it diverged."""
        return math.nan if self.diverged else float(self.judged.mean())


def rows_of(
    gammas: Sequence[float],
    learning_rates: Sequence[float] | None,
    own: Pair,
    gain: Callable[[float], float],
    steps: int,
    judges: int,
) -> list[list[Trial]]:
    """The trials that are to be made, a row for each gamma.

    Args:
        gammas: The gammas.
        learning_rates: Those of all gammas; `None` for a decade of effective rates
            around the optimizer's own, the same for each gamma.
        own: What the optimizer has.
        gain: What a gamma multiplies the learning rate by.
        steps: The number of steps of each.
        judges: The number of batches that judge.
    """
    decade = own.learning_rate * gain(own.gamma) * np.logspace(-0.5, 0.5, _RATES)

    def rates(gamma: float) -> list[float]:
        if learning_rates is not None:
            return list(map(float, learning_rates))
        return [float(f"{rate / gain(gamma):.4g}") for rate in decade]

    return [
        [
            Trial(
                Pair(float(gamma), rate),
                rate * gain(gamma),
                np.full(steps, np.nan),
                np.full(judges, np.nan),
            )
            for rate in rates(gamma)
        ]
        for gamma in gammas
    ]
