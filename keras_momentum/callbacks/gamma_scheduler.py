"""Gamma by a function of the epoch or of the update."""

from collections.abc import Callable
from typing import Any

from keras_momentum.callbacks.scheduler import Scheduler


class GammaScheduler(Scheduler):
    """Sets gamma by a schedule, as `keras.callbacks.LearningRateScheduler` does.

    ```python
    gamma = schedule(epoch, gamma)   # a function; at the beginning of each epoch
    gamma = schedule(epoch)          # a LearningRateSchedule, Keras's or ours
    ```

    It is `Scheduler("gamma", schedule)`.

    With `unit="step"` the schedule takes the number of updates since the beginning of
    epoch 0. A `LearningRateSchedule` is then evaluated for 1,024 updates at a time, and
    the compiled step takes each value in its turn. A function, which may depend on
    anything, is called before every update: that stops an accelerator's queue, on JAX
    copies the whole training state to the model and back, and took a small `fit` from
    2.9 to 5.2 s on TensorFlow. What is known beforehand belongs in the optimizer's
    argument: `Momentum(momentum=CosineRamp(steps=5000))`.

    Args:
        schedule: A function of an integer and the current gamma that returns the new
            one, a float in [0, 1], or an instance of `LearningRateSchedule`.
        unit: `"epoch"` or `"step"`. Defaults to `"epoch"`.
        verbose: An integer >= 0. 0: quiet, 1: a line whenever an epoch begins with
            another gamma. Defaults to `0`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, another callback moves it, or a function is
            to be called before every update though `steps_per_execution` is not 1, or a
            `LearningRateSchedule` leaves [0, 1] within the run; when `schedule` returns
            something else.
        TypeError: When training begins, if a schedule already decides gamma.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(momentum=0.5), loss="mse")
    >>> def closer_to_one(epoch, gamma):
    ...     return gamma if epoch == 0 else 1 - (1 - gamma) / 2
    >>> scheduler = keras_momentum.callbacks.GammaScheduler(closer_to_one)
    >>> history = model.fit(
    ...     np.ones((8, 4)), np.ones((8, 1)), epochs=3, verbose=0, callbacks=[scheduler]
    ... )
    >>> history.history["gamma"]
    [0.5, 0.75, 0.875]
    """

    def __init__(
        self,
        schedule: Callable[..., Any],
        unit: str = "epoch",
        verbose: int = 0,
        optimizer: Any = None,
    ):
        super().__init__("gamma", schedule, unit, verbose, optimizer)
