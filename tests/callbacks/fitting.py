"""A linear model in `fit`, and what it must come to, in float64."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

import keras_momentum
from tests import reference

BATCH, BATCHES = 4, 4  # an epoch
SAMPLES = BATCH * BATCHES
_rng = np.random.default_rng(3)
X = _rng.normal(size=(SAMPLES, 3)).astype(np.float32)
Y = _rng.normal(size=(SAMPLES, 1)).astype(np.float32)
WEIGHTS = np.array([[1.0], [-2.0], [0.5]], np.float32)
RATE = 0.05


def compiled(optimizer: Any, **arguments: Any) -> keras.Model:
    """A linear model that begins at `WEIGHTS`."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(optimizer, "mse", **arguments)
    model.set_weights([WEIGHTS])
    return model


def compiled_with_both(of_kernel: Any, of_bias: Any) -> keras.Model:
    """A linear model with two optimizers."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    both = keras.optimizers.MultiOptimizer(
        lambda weight: of_kernel if "kernel" in weight.path else of_bias
    )
    model.compile(both, "mse")
    return model


def fit(model: keras.Model, *callbacks: Any, **arguments: Any) -> Any:
    """`model.fit` on the data, always in the same order."""
    data = {"x": X, "y": Y, "batch_size": BATCH, "shuffle": False, "verbose": 0}
    return model.fit(**{**data, **arguments}, callbacks=list(callbacks))


def unknown_length() -> dict[str, Any]:
    """Arguments of `fit`: the same batches, of which it doesn't know how many."""
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    return {"x": batches.filter(lambda x, y: True), "y": None, "batch_size": None}


def gradient(update: int, weights: np.ndarray, batches: int = 1) -> np.ndarray:
    """That of the loss, the mean of the batches of an update."""
    gradients = []
    for batch in range(update * batches, (update + 1) * batches):
        begin = batch % BATCHES * BATCH
        x, y = (a[begin : begin + BATCH].astype(np.float64) for a in (X, Y))
        gradients.append(2 / BATCH * x.T @ (x @ weights - y))
    return np.mean(gradients, axis=0)


def expected_weights(
    gammas: Sequence[float], rates: Sequence[float] | None = None, batches: int = 1
) -> np.ndarray:
    """Where `Momentum` comes to, with one gamma and one learning rate an update."""
    thetas, _ = reference.momentum(
        WEIGHTS,
        lambda t, theta: gradient(t, theta, batches),
        [RATE] * len(gammas) if rates is None else rates,
        gammas,
    )
    return thetas[-1]


def weights_of(model: keras.Model) -> np.ndarray:
    return np.array(model.get_weights()[0])


def gamma_of(model: keras.Model) -> float:
    optimizer = keras_momentum.callbacks.momentum_optimizers(model)[0]
    return float(keras.ops.convert_to_numpy(optimizer.gamma))


class StopAfter(keras.callbacks.Callback):
    """Ends `fit` after some epochs."""

    def __init__(self, epochs: int):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch + 1 == self.epochs:
            self.model.stop_training = True


class CrashError(Exception):
    """What `CrashBefore` raises."""


class CrashBefore(keras.callbacks.Callback):
    """Kills `fit` when an epoch begins."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            raise CrashError


@dataclasses.dataclass(frozen=True)
class Mover:
    """A callback that moves gamma, and the coefficients that it must give.

    Attributes:
        make: Makes the callback.
        gamma: γ of an update t, where an epoch has `u` updates and `fit` `n` epochs.
        rate: η, in the same way; `None` if it stays.
        each_update: Whether it sets gamma before every update, from the host.
    """

    make: Callable[[], keras.callbacks.Callback]
    gamma: Callable[[int, float, int], float]
    rate: Callable[[int, float, int], float] | None = None
    each_update: bool = False

    def gammas(self, updates: int, u: float, n: int) -> list[float]:
        return [self.gamma(t, u, n) for t in range(updates)]

    def rates(self, updates: int, u: float, n: int) -> list[float] | None:
        if self.rate is None:
            return None
        return [self.rate(t, u, n) for t in range(updates)]
