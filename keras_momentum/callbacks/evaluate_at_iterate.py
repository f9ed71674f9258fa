"""Evaluation of NAG at its iterate, not where it takes the gradient."""

from typing import Any

import keras
from keras import ops

from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers
from keras_momentum.optimizers import NAG


class EvaluateAtIterate(keras.callbacks.Callback):
    """Lets a model that `NAG` trains hold θ wherever it is judged or kept.

    While it trains, the model holds the point ahead at which the gradient is taken,

    ```python
    φ = θ - look_ahead * velocity
    ```

    This callback swaps θ in for validation and from the end of an epoch to the
    beginning of the next one, so that checkpoints and the final model hold it, and puts
    φ back, bit for bit. While θ is in, the optimizer's `look_ahead` is 0, so that a
    checkpoint goes on as Nesterov's method from its θ. It keeps a copy of the weights
    meanwhile.

    As with `keras.callbacks.SwapEMAWeights`, `ModelCheckpoint` and the like come after
    it in the list of callbacks, and `BackupAndRestore`, which is to go on exactly as if
    nothing had happened, before it. It works in `model.evaluate` and `model.predict`
    too.

    Raises:
        ValueError: When training or evaluation begins, if no optimizer of the model is
            a `NAG`.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.NAG(learning_rate=0.01), loss="mse")
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> history = model.fit(
    ...     x, y, validation_data=(x, y), epochs=2, verbose=0,
    ...     callbacks=[keras_momentum.callbacks.EvaluateAtIterate()],
    ... )
    >>> round(model.evaluate(x, y, verbose=0) - history.history["val_loss"][-1], 5)
    0.0

    Reference:

    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning" (θ and the point ahead).
    """

    def __init__(self) -> None:
        super().__init__()
        self._points: list[Any] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._optimizers()
        self._points = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._swap_in()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._swap_in()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._put_back()

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        # The model keeps θ, or what another callback has put there.
        self._points = None

    def _swap_in(self) -> None:
        if self._points is None:
            self._points = [
                _move_to_iterate(optimizer) if optimizer.built else None
                for optimizer in self._optimizers()
            ]

    def _put_back(self) -> None:
        if self._points is not None:
            for optimizer, point in zip(self._optimizers(), self._points, strict=True):
                if point is not None:
                    _move_back(optimizer, point)
        self._points = None

    def _optimizers(self) -> list[NAG]:
        found = [o for o in momentum_optimizers(self.model) if isinstance(o, NAG)]
        if not found:
            raise ValueError(
                "EvaluateAtIterate needs a model compiled with keras_momentum.NAG; the "
                "weights of other optimizers are their iterates. "
                f"Received: model.optimizer={self.model.optimizer!r}"
            )
        return found


def _move_to_iterate(optimizer: NAG) -> tuple[list[Any], Any]:
    """Puts θ into the weights and 0 into `look_ahead`; returns what was there."""
    weights = optimizer.weights_with_velocity
    before = [ops.copy(weight) for weight in weights]
    for weight in weights:
        weight.assign(optimizer.iterate(weight))
    scalars = optimizer._weight_scalars
    look_aheads = scalars.values("look_ahead")
    scalars.set("look_ahead", 0.0)
    return before, look_aheads


def _move_back(optimizer: NAG, before: tuple[list[Any], Any]) -> None:
    """Puts φ and `look_ahead` back, bit for bit."""
    points, look_aheads = before
    for weight, point in zip(optimizer.weights_with_velocity, points, strict=True):
        weight.assign(point)
    optimizer._weight_scalars.set("look_ahead", look_aheads)
