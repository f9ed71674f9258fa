"""The loss of each batch, out of what `fit` logs."""

import math
from collections.abc import Sequence

import keras

# A mean has the digits of a float32, of which the loss of a batch loses as many as the
# sum is larger: this leaves four.
_LARGEST_SUM = 1e3


class LossOfBatch:
    """The loss of each batch of an epoch.

    Keras's own step logs the mean over all samples of the epoch so far, from which that
    of a batch with n samples follows:

    ```python
    loss = (mean[b] * samples[b] - mean[b - 1] * samples[b - 1]) / n
    ```

    What a `train_step` of one's own logs may be either this or the loss of the batch:
    with metrics that begin anew in each batch both are the same. Not always, as on JAX
    that copies the state of training, which takes longer than the step. (The callbacks'
    `BatchLosses` may not reset the metrics of the user's fit, nor knows the sizes.)

    Args:
        sizes: The number of samples in each batch.
        model: The model that is trained.

    Attributes:
        begins_anew: Whether the metrics must be reset before the next batch.
    """

    def __init__(self, sizes: Sequence[int], model: keras.Model):
        self._sizes = sizes
        self._logs_means = _logs_means(model)
        self.begins_anew = True

    def of(self, batch: int, logged: float) -> float:
        """The loss of a batch.

        Args:
            batch: Its number in the epoch.
            logged: The loss in its logs.
        """
        size = self._sizes[batch]
        if self.begins_anew:
            self._samples, self._sum, self._smallest = 0, 0.0, math.inf
        before = self._sum
        self._samples += size
        self._sum = logged * self._samples
        loss = self._sum - before
        self._smallest = min(self._smallest, abs(loss))
        is_exact = abs(self._sum) <= _LARGEST_SUM * self._smallest
        self.begins_anew = not (self._logs_means and is_exact)
        return loss / size


def _logs_means(model: keras.Model) -> bool:
    """Whether the step, and what it logs, are those of Keras."""
    return all(
        getattr(type(model), name) is getattr(keras.Model, name)
        for name in ("train_step", "compute_metrics", "get_metrics_result", "metrics")
    )
