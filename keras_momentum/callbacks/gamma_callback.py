"""The abstract callback that moves gamma."""

import abc
from typing import Any

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_optimizers import (
    claim_gamma,
    in_logs,
    momentum_optimizers,
)
from keras_momentum.optimizers import MomentumOptimizer


class GammaCallback(keras.callbacks.Callback, abc.ABC):
    """Abstract base of the callbacks of which one moves gamma in a `fit`.

    It writes gamma into the logs of each epoch, as Keras's LearningRateScheduler does
    with the learning rate.

    Args:
        verbose: An integer >= 0. 0: quiet, 1: a line for each change of regime.
    """

    def __init__(self, verbose: int):
        super().__init__()
        self.verbose = arguments.integer("verbose", verbose, minimum=0)

    @abc.abstractmethod
    def begin(self, epoch: int) -> None:
        """Called once in a `fit`, before its first step.

        Only then is it known in which epoch it begins, and a callback that restores
        the optimizer has done so.
        """

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        claim_gamma(self)
        self._is_begun = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._is_begun:
            self._is_begun = True
            self.begin(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            optimizers = momentum_optimizers(self.model)
            for optimizer in optimizers:
                gamma = float(ops.convert_to_numpy(optimizer.gamma))
                logs[in_logs("gamma", optimizer, optimizers)] = gamma


def updates_per_epoch(params: dict[str, Any], optimizer: MomentumOptimizer) -> float:
    """How many updates an epoch has, where `fit` knows its number of batches.

    Args:
        params: The `params` of a callback; `params["steps"]` is not `None`.
        optimizer: The optimizer that does the updates.
    """
    return params["steps"] / (optimizer.gradient_accumulation_steps or 1)


def first_update(
    params: dict[str, Any], optimizer: MomentumOptimizer, epoch: int
) -> int:
    """The update with which epoch 0 began, or would have.

    Args:
        params: The `params` of a callback.
        optimizer: The optimizer that does the updates.
        epoch: The epoch that begins now.
    """
    now = int(ops.convert_to_numpy(optimizer.iterations))
    if epoch == 0:
        return now
    if params.get("steps") is None:
        # A run that goes on: all updates were its own.
        return 0
    return now - round(epoch * updates_per_epoch(params, optimizer))
