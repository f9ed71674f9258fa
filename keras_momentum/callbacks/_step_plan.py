"""Handing the values of the next updates to optimizers, before they run out."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_momentum._hyperparameters.plan import Plan
from keras_momentum._numbers import number
from keras_momentum.optimizers import MomentumOptimizer

# What an optimizer takes at once.
CAPACITY = Plan.capacity


class StepPlan:
    """Gives optimizers the values of their next updates, again and again.

    Between two times nothing touches the optimizer, and the compiled step takes each
    value in its turn.

    Args:
        callback: The callback for which it does so.
        hand_out: Called with an optimizer and the steps for which it needs values, an
            array of integers counted from the beginning of epoch 0, of which the first
            is that of the next update.
    """

    def __init__(
        self,
        callback: keras.callbacks.Callback,
        hand_out: Callable[[MomentumOptimizer, np.ndarray], None],
    ):
        self._callback = callback
        self._hand_out = hand_out

    def begin(
        self, optimizers: Sequence[MomentumOptimizer], firsts: Sequence[int]
    ) -> None:
        """Makes the first plan.

        Args:
            optimizers: The optimizers.
            firsts: For each, the update with which epoch 0 began.

        Raises:
            ValueError: If one execution has more updates than a plan.
        """
        model = self._callback.model
        self._batches = getattr(model, "steps_per_execution", 1)
        if self._batches >= CAPACITY:
            raise ValueError(
                f"Argument `steps_per_execution` must be less than {CAPACITY} for "
                f"{type(self._callback).__name__}. "
                f"Received: steps_per_execution={self._batches}"
            )
        self._optimizers = list(optimizers)
        self._firsts = list(firsts)
        self._is_doubtful = False
        self._plan()

    def before_epoch(self) -> None:
        """Makes a plan, if the last one may have been lost or will not suffice."""
        if self._left < self._batches + 1 or self._is_doubtful:
            self._plan()
        self._is_doubtful = False

    def before_batch(self) -> None:
        """Makes the next plan if the last one might not suffice for an execution."""
        # Only counted: on JAX each look at the model costs time. NAG wants to know the
        # coefficient of one update more.
        if self._left < self._batches + 1:
            self._plan()
            # Where data end without a warning, `fit` begins a batch that does not
            # come, and Keras on JAX then undoes what was set before it.
            self._is_doubtful = True
        self._left -= self._batches

    def _plan(self) -> None:
        # On JAX the state is with the model only after this.
        _ = self._callback.model
        for optimizer, first in zip(self._optimizers, self._firsts, strict=True):
            now = int(number(optimizer.iterations))
            self._hand_out(optimizer, now - first + np.arange(CAPACITY, dtype=np.int32))
        self._left = CAPACITY
