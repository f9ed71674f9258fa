"""Parts of trials: each goes on from a state, and ends with a judgement."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.callbacks.momentum_optimizers import (
    momentum_optimizers,
    unwrapped,
)
from keras_momentum.comparison._losses import LossOfBatch
from keras_momentum.comparison._plane import Pair
from keras_momentum.comparison._state import ModelState, value_of
from keras_momentum.optimizers import (
    NAG,
    AdEMAMix,
    AggMo,
    LookAheadOptimizer,
    Momentum,
    MomentumAdam,
    MomentumRMSprop,
    Muon,
)

# So many iterates are averaged at most: neighbours are nearly the same.
_AVERAGED = 10
# With a gamma and a learning rate of 0 these change no weight.
_STANDING = (Momentum, NAG, MomentumAdam, MomentumRMSprop, AggMo, Muon, AdEMAMix)


class Part:
    """What one epoch gave: the losses of its batches, and the state behind them."""

    def __init__(self, judges: int) -> None:
        self.losses: list[float] = []
        self.judged = np.full(judges, np.nan)
        self.state: ModelState | None = None


class Parts(keras.callbacks.Callback):
    """Puts a state in place in each epoch, trains, and judges the averaged weights.

    The loss that judges is that of the compiled training step, so that nothing else is
    compiled: with batch statistics in batch normalisation, and with the same random
    numbers in every epoch. Meanwhile the weights stand still, or are put back before
    each batch.

    Attributes:
        start: The state from which all trials begin.
        done: What was found.
    """

    def __init__(
        self,
        pairs: Sequence[Pair | None],
        states: Sequence[ModelState | None],
        start: ModelState | None,
        ratios: Sequence[float],
        sizes: Sequence[int],
        judges: int,
    ):
        super().__init__()
        self._todo = list(zip(pairs, states, strict=True))
        self.start = start
        self._ratios = ratios
        self._sizes = sizes
        self._steps = len(sizes) - judges
        self._judges = judges
        self._stride = max(1, self._steps // _AVERAGED)
        self.done: list[Part] = []

    @property
    def left(self) -> int:
        """The number of epochs that have not begun."""
        return len(self._todo)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        pair, self._state = self._todo.pop(0)
        model = self.model
        self.start = self.start or ModelState(model)
        self.start.restore()
        if pair is not None:
            optimizers = momentum_optimizers(model)
            for optimizer, ratio in zip(optimizers, self._ratios, strict=True):
                optimizer.gamma = pair.gamma
                optimizer.learning_rate = pair.learning_rate * ratio
        self._losses = LossOfBatch(self._sizes, model)
        self._part = Part(self._judges)
        self.done.append(self._part)
        self._sums: list[np.ndarray] = []
        self._count = 0
        self._stands = False
        self._last: list[np.ndarray] = []
        self._average: list[np.ndarray] = []

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # On JAX each look at the model copies the state of training.
        is_put_back = batch > self._steps and not self._stands
        if batch == self._steps:
            self._losses.begins_anew = True
        if not (self._losses.begins_anew or is_put_back):
            return
        model = self.model
        if batch == 0 and self._state is not None:
            # Not before: on torch, each epoch uses a random number at its beginning.
            self._state.restore()
        if batch == self._steps:
            self._begin_judging(model)
        if batch == self._steps or is_put_back:
            for weight, value in zip(
                model.trainable_variables, self._average, strict=True
            ):
                weight.assign(value)
        if self._losses.begins_anew:
            model.reset_metrics()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        assert logs is not None
        loss = self._losses.of(batch, float(logs["loss"]))
        if batch >= self._steps:
            self._part.judged[batch - self._steps] = loss
        elif math.isfinite(loss):
            self._part.losses.append(loss)
            if (self._steps - 1 - batch) % self._stride == 0:
                self._add(self.model)
        else:
            self.model.stop_training = True

    def _add(self, model: keras.Model) -> None:
        """Adds the weights to those that are averaged."""
        self._last = [
            np.asarray(ops.convert_to_numpy(weight))
            for weight in model.trainable_variables
        ]
        if not self._sums:
            self._sums = [np.zeros(value.shape) for value in self._last]
        for total, value in zip(self._sums, self._last, strict=True):
            total += value
        self._count += 1

    def _begin_judging(self, model: keras.Model) -> None:
        if self._steps:
            self._part.state = ModelState(model)
        else:
            self._add(model)
        others = [(each, value_of(each)) for each in model.non_trainable_weights]
        # Random numbers and the scale of the loss as at the start, for all trials.
        assert self.start is not None
        self.start.restore()
        for variable, value in others:
            variable.assign(value)
        self._stands = _stand_still(model)
        # Not tensors, which a step on JAX would take for good.
        self._average = [
            (total / self._count).astype(value.dtype)
            for total, value in zip(self._sums, self._last, strict=True)
        ]


def _stand_still(model: keras.Model) -> bool:
    """Lets updates leave the weights as they are; whether that is possible."""
    optimizers = unwrapped(model.optimizer)
    if not all(type(optimizer) in _STANDING for optimizer in optimizers):
        return False
    for optimizer in momentum_optimizers(model):
        optimizer.learning_rate = 0.0
        optimizer.gamma = 0.0
        if isinstance(optimizer, LookAheadOptimizer):
            optimizer.set_look_aheads(0.0)
    return True
