"""Handing the values of the next updates to optimizers, before they run out."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_momentum._hyperparameters.plan import Plan
from keras_momentum._numbers import number
from keras_momentum.optimizers import MomentumOptimizer


class StepPlan:
    """Gives optimizers the values of their next updates, again and again.

    Between two times nothing touches the optimizer, and the compiled step takes each
    value in its turn.

    Plans begin at equal distances from the beginning of epoch 0, so that which one an
    optimizer has follows from the number of its updates alone. A fit that goes on has
    the plan that it would have had, wherever it was interrupted.

    Args:
        callback: The callback for which it does so.
        hand_out: Called with an optimizer, the steps of its next plan, an array of
            integers counted from the beginning of epoch 0, and the update of the first
            of them. Some of the steps may be over.
    """

    def __init__(
        self,
        callback: keras.callbacks.Callback,
        hand_out: Callable[[MomentumOptimizer, np.ndarray, int], None],
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
        if self._batches >= Plan.capacity:
            raise ValueError(
                f"Argument `steps_per_execution` must be less than {Plan.capacity} for "
                f"{type(self._callback).__name__}. "
                f"Received: steps_per_execution={self._batches}"
            )
        # What is left of a plan is for the execution that begins with the last update
        # before the next plan: NAG wants to know the coefficient of one update more.
        self._distance = Plan.capacity - self._batches
        self._optimizers = list(optimizers)
        self._firsts = list(firsts)
        self._plan_all()

    def before_epoch(self) -> None:
        """Makes the plan again that may have been lost."""
        if self._is_doubtful:
            self._plan_all()

    def after_batch(self) -> None:
        """Makes the next plan, if it is time."""
        # Only counted: on JAX each look at the model costs time.
        self._left -= self._batches
        self._is_doubtful = False
        if self._left <= 0:
            self._plan()
            # Where data end without a warning, `fit` begins a batch that does not
            # come, and Keras on JAX then undoes what was set before it.
            self._is_doubtful = True

    def _plan_all(self) -> None:
        self._begins: list[int | None] = [None] * len(self._optimizers)
        self._plan()
        self._is_doubtful = False

    def _plan(self) -> None:
        """Gives each optimizer the plan of its next update, if it has another one."""
        # On JAX the state is with the model only after this.
        _ = self._callback.model
        left = []
        for place, optimizer in enumerate(self._optimizers):
            first = self._firsts[place]
            step = int(number(optimizer.iterations)) - first
            begin = step // self._distance * self._distance
            if begin != self._begins[place]:
                steps = begin + np.arange(Plan.capacity, dtype=np.int32)
                self._hand_out(optimizer, steps, first + begin)
                self._begins[place] = begin
            # The first of the updates may be about to come.
            updates = begin + self._distance - step
            left.append(
                1 + (updates - 1) * (optimizer.gradient_accumulation_steps or 1)
            )
        self._left = min(left)
