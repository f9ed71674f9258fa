"""Which hyper-parameters move, and what they are."""

from keras_momentum.callbacks._movable import readings
from keras_momentum.optimizers import MomentumOptimizer

# The monitor shows these in any case.
_ALWAYS = ("gamma", "learning_rate")


class MovingReadings:
    """The hyper-parameters of an optimizer that have moved since this was made.

    Args:
        optimizer: The optimizer, when a fit begins.
    """

    def __init__(self, optimizer: MomentumOptimizer):
        self._optimizer = optimizer
        # A callable that decides one may not be ready to be called yet.
        self._before = {
            name: readings(optimizer, name)
            for name, each in optimizer.hyperparameters.items()
            if name not in _ALWAYS and not each.is_moving
        }

    def readings(self) -> dict[str, float]:
        """Each that moves or has moved, by its name in the logs."""
        found: dict[str, float] = {}
        for name, each in self._optimizer.hyperparameters.items():
            if name in _ALWAYS:
                continue
            values = readings(self._optimizer, name)
            if each.is_moving or values != self._before.get(name):
                # It is in the logs from now on, also where it is back again.
                self._before.pop(name, None)
                found |= values
        return found
