"""The abstract callbacks that move hyper-parameters."""

from typing import Any

from keras_momentum.callbacks._callback import MomentumCallback, in_logs, named_among
from keras_momentum.callbacks._movable import (
    canonical,
    check_movable,
    readings,
    said,
)
from keras_momentum.optimizers import MomentumOptimizer


class MovingCallback(MomentumCallback):
    """Abstract base of the callbacks of which one moves something in a `fit`.

    It writes what it moves into the logs of each epoch, as Keras's
    LearningRateScheduler does with the learning rate.
    """

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if logs is not None:
            optimizers = self._optimizers()
            among = named_among(self.model, optimizers)
            for optimizer in optimizers:
                for name in self.moves:
                    for key, value in readings(optimizer, name).items():
                        logs[in_logs(key, optimizer, among)] = value


class NamedCallback(MovingCallback):
    """Abstract base of those that move one hyper-parameter, whichever it is.

    Args:
        name: Any name of the hyper-parameter.
        optimizer: `None`, an optimizer or a list of optimizers.
        verbose: An integer >= 0.
    """

    def __init__(self, name: str, optimizer: Any = None, verbose: int = 0):
        super().__init__(optimizer, verbose)
        if not isinstance(name, str) or not name:
            raise ValueError(
                'Argument `name` must be that of a hyper-parameter, "gamma" or '
                f'"weight_decay" for example. Received: name={name!r}'
            )
        self.name = name
        # A class of one's own may have other names; those are known in `fit`.
        self.moves = (canonical(name),)

    @property
    def _said(self) -> str:
        """What it moves, in a sentence."""
        return said(self.moves[0])

    def _check_movable(self, optimizers: list[MomentumOptimizer]) -> None:
        check_movable(optimizers, [self.name], type(self).__name__)
        self.moves = (optimizers[0].hyperparameter(self.name).name,)
