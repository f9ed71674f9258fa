"""Evaluation at the iterate, not where the gradient is taken."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_momentum.callbacks._beside import check_alone
from keras_momentum.callbacks._callback import MomentumCallback
from keras_momentum.callbacks._movable import MODEL_WEIGHTS
from keras_momentum.optimizers import LookAheadOptimizer, MomentumOptimizer


class EvaluateAtIterate(MomentumCallback):
    """Lets a model hold θ wherever it is judged or kept, if `NAG` trains it.

    While it trains, the model holds the point ahead at which the gradient is taken,

    ```python
    φ = θ - look_ahead * velocity
    ```

    and so it does with `AggMo(nesterov=True)`, of several velocities.

    This callback swaps θ in for validation and from the end of an epoch to the
    beginning of the next one, so that checkpoints and the final model hold it, and puts
    φ back, bit for bit. While θ is in, the optimizer's `look_ahead` is 0, so that a
    checkpoint goes on as Nesterov's method from its θ. It keeps two copies of the
    weights meanwhile. A weight with a constraint holds what that makes of θ. If
    somebody else assigns to a weight while θ is in, as
    `EarlyStopping(restore_best_weights=True)` does, the weights stay as they are then.

    As with `keras.callbacks.SwapEMAWeights`, `ModelCheckpoint` and the like come after
    it in the list of callbacks, and `BackupAndRestore`, which is to go on exactly as if
    nothing had happened, before it. It works in `model.evaluate` and `model.predict`
    too.

    Args:
        optimizer: `None`, or an optimizer of keras_momentum that the model holds
            itself, as a GAN does, or a list of them. Defaults to `None`: those that the
            model was compiled with.

    Raises:
        ValueError: When training or evaluation begins, if no optimizer of the model is
            a `NAG` or an `AggMo` with `nesterov=True`, or another callback swaps
            weights, as `keras.callbacks.SwapEMAWeights` does.

    Example:

    >>> import keras
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

    moves = (MODEL_WEIGHTS,)

    def __init__(self, optimizer: Any = None) -> None:
        super().__init__(optimizer)
        self._swaps: list[_Swap] | None = None
        # Why θ is in: between epochs, in an evaluation, or one within the other.
        self._reasons: set[str] = set()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        # A run that broke off with θ in has left a model that is right: θ, and a
        # look-ahead of 0.
        self._forget()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._put_back("epoch")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        self._swap_in("epoch")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        check_alone(self)
        self._swap_in("test")

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self._put_back("test")

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        check_alone(self)
        self._swap_in("predict")

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        self._put_back("predict")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        # The model keeps θ, or what another callback has put there.
        self._forget()
        super().on_train_end(logs)

    def _swap_in(self, reason: str) -> None:
        optimizers = self._optimizers()
        if reason in self._reasons and not all(s.is_in() for s in self._swaps or []):
            # Left by an evaluation that broke off, and trained since.
            self._forget()
        if self._swaps is None:
            self._swaps = [
                _swapped_in(optimizer)
                for optimizer in optimizers
                if isinstance(optimizer, LookAheadOptimizer) and optimizer.built
            ]
        self._reasons.add(reason)

    def _put_back(self, reason: str) -> None:
        self._reasons.discard(reason)
        if self._reasons or self._swaps is None:
            return
        optimizers = self._optimizers()
        for swap in self._swaps:
            # In a model compiled again the new optimizer begins where the weights are.
            is_current = any(swap.optimizer is each for each in optimizers)
            if is_current and swap.is_in():
                swap.take_back()
        self._forget()

    def _forget(self) -> None:
        self._swaps = None
        self._reasons = set()

    def _optimizers(self) -> list[MomentumOptimizer]:
        found = [o for o in super()._optimizers() if _looks_ahead(o)]
        if not found:
            raise ValueError(
                "EvaluateAtIterate needs a model compiled with keras_momentum.NAG or "
                "AggMo(nesterov=True), or one as its argument `optimizer`; the weights "
                "of other optimizers are their iterates. Received: "
                f"model.optimizer={getattr(self.model, 'optimizer', None)!r}"
            )
        return list(found)


def _looks_ahead(optimizer: MomentumOptimizer) -> bool:
    return isinstance(optimizer, LookAheadOptimizer) and bool(optimizer.look_ahead_of)


class _Swap(NamedTuple):
    """What was put into the weights and into `look_ahead`, and what was there."""

    optimizer: LookAheadOptimizer
    before: list[Any]
    look_aheads: np.ndarray
    after: list[Any]

    def is_in(self) -> bool:
        """Whether it is there still, so that nobody else has assigned to it."""
        return not self.optimizer.look_aheads().any() and all(
            np.array_equal(_bits(weight), _bits(value))
            for weight, value in zip(
                self.optimizer.weights_with_velocity, self.after, strict=True
            )
        )

    def take_back(self) -> None:
        """Puts everything back, bit for bit."""
        weights = self.optimizer.weights_with_velocity
        for weight, value in zip(weights, self.before, strict=True):
            weight.assign(value)
        self.optimizer.set_look_aheads(self.look_aheads)


def _swapped_in(optimizer: LookAheadOptimizer) -> _Swap:
    """Puts θ into the weights and 0 into `look_ahead`."""
    weights = optimizer.weights_with_velocity
    before = [ops.copy(weight) for weight in weights]
    for weight in weights:
        weight.assign(optimizer.iterate(weight))
    look_aheads = optimizer.look_aheads()
    optimizer.set_look_aheads(np.zeros_like(look_aheads))
    after = [ops.copy(weight) for weight in weights]
    return _Swap(optimizer, before, look_aheads, after)


def _bits(value: Any) -> np.ndarray:
    """Its bytes, so that NaN is NaN."""
    array = np.ascontiguousarray(ops.convert_to_numpy(value))
    return np.frombuffer(array.tobytes(), np.uint8)
