"""The abstract callback that moves gamma."""

from typing import Any

from keras_momentum._numbers import number
from keras_momentum.callbacks._callback import MomentumCallback, in_logs


class GammaCallback(MomentumCallback):
    """Abstract base of the callbacks of which one moves gamma in a `fit`.

    It writes what it moves into the logs of each epoch, as Keras's
    LearningRateScheduler does with the learning rate.
    """

    moves: tuple[str, ...] = ("gamma",)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if logs is not None:
            optimizers = self._optimizers()
            for optimizer in optimizers:
                for name in self.moves:
                    key = in_logs(name, optimizer, optimizers)
                    logs[key] = number(getattr(optimizer, name))
