"""A linear ramp of gamma over a training run."""

from typing import Any

from keras_momentum import arguments
from keras_momentum.callbacks.ramp import Ramp


class GammaRamp(Ramp):
    """Moves gamma in a straight line from `initial` to `final` during `fit`.

    ```python
    tau = clip((epoch - begin_epoch) / epochs, 0, 1)  # changes at every update
    gamma = initial + (final - initial) * tau
    ```

    It is `Ramp("gamma", 0.5, 0.95)`.

    The callback writes the ramp into variables of the optimizer when the first epoch
    begins, and the compiled training step does the rest: nothing is called between two
    steps, nothing is traced again. A resumed run (`keras.callbacks.BackupAndRestore`,
    or `fit(initial_epoch=...)` after `keras.saving.load_model`) goes on in mid-ramp.
    When `fit` ends, however it does, gamma stays where it is.

    The length is counted in updates. Where `fit` can't know the number of batches of
    an epoch in advance (a generator), gamma moves once an epoch instead and a warning
    says so.

    Args:
        initial: A float in [0, 1]. Gamma until the ramp begins. Defaults to `0.5`.
        final: A float in [0, 1]. Gamma from the end of the ramp on. Defaults to
            `0.95`.
        epochs: `None` or an integer >= 1. The length of the ramp in epochs. Defaults
            to `None`: from `begin_epoch` to the last epoch of `fit`.
        begin_epoch: An integer >= 0. The epoch at whose start the ramp begins.
            Defaults to `0`.
        verbose: An integer >= 0. 0: quiet, 1: a line where the ramp begins and where it
            ends. Defaults to `0`.
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: If an argument is not as said above; when training begins, if the
            model's optimizer has no gamma, another callback moves it, or the ramp
            begins after the last epoch.
        TypeError: When training begins, if a schedule already decides gamma.

    Example:

    >>> import keras
    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(learning_rate=0.01), loss="mse")
    >>> ramp = keras_momentum.callbacks.GammaRamp(initial=0.5, final=0.9)
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(x, y, batch_size=2, epochs=5, verbose=0, callbacks=[ramp])
    >>> round(float(model.optimizer.gamma), 3)
    0.9

    Reference:

    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning".
    """

    def __init__(
        self,
        initial: float = 0.5,
        final: float = 0.95,
        epochs: int | None = None,
        begin_epoch: int = 0,
        verbose: int = 0,
        optimizer: Any = None,
    ):
        super().__init__(
            "gamma",
            arguments.coefficient("initial", initial),
            arguments.coefficient("final", final),
            epochs,
            begin_epoch,
            verbose,
            optimizer,
        )
