"""Learning rate and gamma in one cycle."""

from typing import Any

import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum.callbacks._moving_callback import MovingCallback
from keras_momentum.callbacks._step_plan import StepPlan
from keras_momentum.callbacks._steps import updates_per_epoch
from keras_momentum.optimizers import MomentumOptimizer
from keras_momentum.schedules import curves


class OneCycle(MovingCallback):
    """Moves the learning rate up and gamma down, then both back.

    With half a cosine from each value to the next, over the updates of the cycle:

    ```python
    learning_rate:  initial_learning_rate -> max_learning_rate -> final_learning_rate
    gamma:          max_gamma             -> min_gamma         -> max_gamma
    ```

    The peak is at the update `warmup * updates - 1`, the end at the last one, as in
    `torch.optim.lr_scheduler.OneCycleLR`. Smith's own policy has straight lines and the
    learning rate back where it began before it vanishes. The compiled step takes each
    value in its turn; both stay where they are when training ends.

    Args:
        max_learning_rate: A float > 0.
        initial_learning_rate: `None` or a float > 0. Defaults to `None`:
            `max_learning_rate / 25`.
        final_learning_rate: `None` or a float > 0. Defaults to `None`:
            `initial_learning_rate / 10_000`.
        max_gamma: A float in [0, 1]. Defaults to `0.95`.
        min_gamma: A float in [0, 1], not above `max_gamma`. Defaults to `0.85`.
        warmup: A float in [0, 1]. The share of the cycle in which the learning rate
            rises. Defaults to `0.3`.
        epochs: `None` or an integer >= 1. The length of the cycle. Defaults to `None`:
            the epochs of `fit`.
        verbose: An integer >= 0. 0: quiet, 1: a line where the cycle begins and where
            the learning rate begins to fall. Defaults to `0`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, another callback moves it or the learning
            rate, or `fit` does not know its number of batches in advance.
        TypeError: When training begins, if a schedule already decides gamma or the
            learning rate.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(), loss="mse")
    >>> cycle = keras_momentum.callbacks.OneCycle(max_learning_rate=0.1, warmup=0.5)
    >>> history = model.fit(
    ...     np.ones((8, 4)), np.ones((8, 1)), batch_size=2, epochs=4, verbose=0,
    ...     callbacks=[cycle],
    ... )
    >>> [round(gamma, 3) for gamma in history.history["gamma"]]
    [0.889, 0.854, 0.919, 0.95]

    Reference:

    - Smith, 2018, "A disciplined approach to neural network hyper-parameters: part 1".
    - Smith and Topin, 2019, "Super-convergence: very fast training of neural networks
      using large learning rates".
    """

    moves = ("gamma", "learning_rate")

    def __init__(
        self,
        max_learning_rate: float,
        initial_learning_rate: float | None = None,
        final_learning_rate: float | None = None,
        max_gamma: float = 0.95,
        min_gamma: float = 0.85,
        warmup: float = 0.3,
        epochs: int | None = None,
        verbose: int = 0,
        optimizer: Any = None,
    ):
        super().__init__(optimizer, verbose)
        peak = arguments.positive_float("max_learning_rate", max_learning_rate)
        if initial_learning_rate is None:
            initial_learning_rate = peak / 25
        if final_learning_rate is None:
            final_learning_rate = initial_learning_rate / 1e4
        self._learning_rates = (
            arguments.positive_float("initial_learning_rate", initial_learning_rate),
            peak,
            arguments.positive_float("final_learning_rate", final_learning_rate),
        )
        arguments.coefficient("max_gamma", max_gamma)
        arguments.coefficient("min_gamma", min_gamma)
        if min_gamma > max_gamma:
            raise ValueError(
                f"Argument `min_gamma` must not be above `max_gamma`, {max_gamma!r}. "
                f"Received: min_gamma={min_gamma!r}"
            )
        self._gammas = (max_gamma, min_gamma, max_gamma)
        self.warmup = arguments.coefficient("warmup", warmup)
        if epochs is not None:
            arguments.integer("epochs", epochs, minimum=1)
        self.epochs = epochs
        self._plan = StepPlan(self, self._hand_out)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if self._params.get("steps") is None:
            raise ValueError(
                "Argument `steps_per_epoch` of `fit` must be given for OneCycle, as "
                "the number of batches is not known in advance. "
                "Received: steps_per_epoch=None"
            )
        self._length = self.epochs or self._params.get("epochs") or 1
        self._is_falling = False

    def _begin(self, epoch: int) -> None:
        self._plan.begin(self._optimizers(), self._firsts)
        low, high, _ = self._learning_rates
        self._say(
            f"Epoch {epoch + 1}: OneCycle raising the learning rate from {low:.4g} to "
            f"{high:.4g} and lowering gamma from {self._gammas[0]:.4g} to "
            f"{self._gammas[1]:.4g}."
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._plan.before_epoch()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        super().on_train_batch_end(batch, logs)
        if self._is_in_charge:
            self._plan.after_batch()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if not self._is_falling and epoch + 1 >= self.warmup * self._length:
            self._is_falling = True
            self._say(
                f"Epoch {epoch + 1}: OneCycle at its peak; the learning rate falls to "
                f"{self._learning_rates[2]:.4g}, gamma rises to {self._gammas[2]:.4g}."
            )

    def _hand_out(
        self, optimizer: MomentumOptimizer, steps: np.ndarray, begin: int
    ) -> None:
        updates = max(
            1, round(self._length * updates_per_epoch(self._params, optimizer))
        )
        peak, last = max(0.0, self.warmup * updates - 1), max(1, updates - 1)
        gammas, rates = (
            ops.convert_to_numpy(curves.one_cycle(steps, values, peak, last)).tolist()
            for values in (self._gammas, self._learning_rates)
        )
        optimizer.plan("gamma", gammas, begin=begin)
        optimizer.plan("learning_rate", rates, begin=begin)
