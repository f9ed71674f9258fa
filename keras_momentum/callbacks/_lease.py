"""Leases: what a callback does to an optimizer ends with its fit.

A callback that moves something takes a lease of it, by name, from given optimizers and
for one fit. Before every step the callback renews it, by a flag of Python (see
`MomentumCallback`); the training function looks at the flag (see `TrainFunction`). If
it was not renewed the fit is over, though nothing said so: it ended by an exception or
by Ctrl-C. Then, as at the end of any fit, the lease ends: what it moved stays where it
is.
"""

import weakref
from collections.abc import Sequence
from typing import Any

from keras_momentum.callbacks._movable import (
    MODEL_WEIGHTS,
    RESTART_EVERY,
    is_hyperparameter,
    said,
)
from keras_momentum.optimizers import MomentumOptimizer

# Who has what of an optimizer, by name.
_HELD: weakref.WeakKeyDictionary[MomentumOptimizer, dict[str, "Lease"]] = (
    weakref.WeakKeyDictionary()
)


class Lease:
    """What a callback moves in a fit.

    Args:
        holder: The name of the callback, for messages.
        names: Of what it moves: names of hyper-parameters, "restart_every",
            "model_weights".
        optimizers: The optimizers.
        fit: What all callbacks of the fit have in common.

    Attributes:
        observes: Whether updates will have to be observed.
        is_observing: Whether the next step is to be observed.
        is_renewed: Whether the callback was called for the next step.
        has_stepped: Whether a step was done since the lease was taken.
        is_over: Whether it has ended.
    """

    def __init__(
        self,
        holder: str,
        names: Sequence[str],
        optimizers: Sequence[MomentumOptimizer],
        fit: Any,
        observes: bool = False,
    ):
        self.optimizers = list(optimizers)
        self.observes = observes
        self.is_observing = False
        self.is_renewed = False
        self.has_stepped = False
        self.is_over = False
        self._holder = holder
        self._names = list(names)
        self._fit = fit
        self._intervals: list[int | None] = []

    def is_of(self, optimizers: Sequence[MomentumOptimizer]) -> bool:
        """Whether it is a lease from these optimizers, and not over."""
        return not self.is_over and list(map(id, optimizers)) == list(
            map(id, self.optimizers)
        )

    def take(self, intervals: Sequence[int | None]) -> None:
        """Begins.

        Args:
            intervals: What `restart_every` of each optimizer is to be in the end.

        Raises:
            ValueError: If another callback of the same fit moves the same.
        """
        end_old_leases(self.optimizers, self._fit)
        for optimizer in self.optimizers:
            for name, other in _HELD.get(optimizer, {}).items():
                if name in self._names:
                    raise two_movers(name, other._holder, self._holder)
        self._intervals = list(intervals)
        for optimizer in self.optimizers:
            _HELD.setdefault(optimizer, {}).update(dict.fromkeys(self._names, self))

    def end(self) -> None:
        """Ends; what was moved stays where it is, `restart_every` is what it was."""
        if self.is_over:
            return
        self.is_over, self.is_observing = True, False
        for place, optimizer in enumerate(self.optimizers):
            held = _HELD.get(optimizer, {})
            for name in self._names:
                if held.get(name) is not self:
                    continue
                del held[name]
                if name == RESTART_EVERY:
                    optimizer.restart_every = self._intervals[place]
                elif is_hyperparameter(name):
                    optimizer.stop(name)


def end_old_leases(
    optimizers: Sequence[MomentumOptimizer], fit: Any, is_beginning: bool = False
) -> None:
    """Ends leases of fits that broke off, and that nothing has ended.

    Args:
        optimizers: The optimizers of the callback that begins.
        fit: What all callbacks of its fit have in common.
        is_beginning: Whether the fit begins, so that none of its leases saw a step.
    """
    for optimizer in optimizers:
        for lease in list(_HELD.get(optimizer, {}).values()):
            if lease._fit is not fit or (is_beginning and lease.has_stepped):
                lease.end()


def two_movers(name: str, first: str, second: str) -> ValueError:
    """The error that says who moves the same.

    Args:
        name: What they move.
        first: The name of a callback.
        second: That of another one.
    """
    does = "swaps weights" if name == MODEL_WEIGHTS else f"moves {said(name)}"
    return ValueError(
        f"Argument `callbacks` must have at most one callback that {does} of an "
        f"optimizer. Received: {first} and {second}"
    )
