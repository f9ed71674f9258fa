"""What too much momentum looks like."""

import math
from typing import NamedTuple

from keras_momentum.optimizers import Observation


class Window(NamedTuple):
    """What was seen of some updates.

    Attributes:
        loss: The mean loss; NaN if it is not known.
        last: The last update, with the counts of all until then.
    """

    loss: float
    last: Observation


class Overshoot:
    """Says whether windows of updates show too much momentum, and how.

    Args:
        patience: How many windows in a row must show it.
        max_uphill: The share of updates in which the velocity may point uphill.
    """

    def __init__(self, patience: int, max_uphill: float):
        self._patience = patience
        self._max_uphill = max_uphill
        self._best: tuple[float, float] | None = None

    def begin(self, last: Observation) -> None:
        """Begins with what follows the update `last`."""
        self._before = last
        self._last_loss = math.inf
        self._in_a_row = 0

    def __call__(self, window: Window) -> str | None:
        """Returns what shows it in `window`, or `None`."""
        observed = window.last.observed - self._before.observed
        uphill = (window.last.uphill - self._before.uphill) / max(observed, 1)
        reason = self._divergence(window) or self._oscillation(window.loss, uphill)
        self._before, self._last_loss = window.last, window.loss
        self._in_a_row = self._in_a_row + 1 if reason else 0
        if self._in_a_row < self._patience:
            return None
        self.begin(window.last)
        return reason

    def _divergence(self, window: Window) -> str | None:
        loss, velocity = window.loss, window.last.velocity_norm
        if math.isnan(loss):
            return None
        if self._best is None or loss < self._best[0]:
            self._best = loss, velocity
        lowest, velocity_there = self._best
        if loss >= 2.0 * lowest > 0.0 and velocity > velocity_there:
            return f"the loss grew from {lowest:.4g} to {loss:.4g} with the velocity"
        return None

    def _oscillation(self, loss: float, uphill: float) -> str | None:
        # Half of it says nothing of a loss below 0.
        dies_away = 0.0 <= self._last_loss < math.inf and loss <= 0.5 * self._last_loss
        if uphill <= self._max_uphill or dies_away:
            return None
        return f"the velocity pointed uphill in {uphill:.0%} of the last updates"
