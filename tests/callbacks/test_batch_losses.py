"""Losses of batches out of logs that may have means, and odd losses in a guard."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks._batch_losses import BatchLosses
from keras_momentum.callbacks._overshoot import Overshoot, Window
from keras_momentum.optimizers import Observation
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, compiled, fit

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a train_step for TensorFlow"
)


class Losses(keras.callbacks.Callback):
    """Takes the losses of each two batches, as a guard does of its windows."""

    def __init__(self) -> None:
        super().__init__()
        self.losses = BatchLosses()
        self.taken: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.losses.begin_epoch()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.add(batch, logs["loss"], lambda: self.model)
        if self.losses.batches >= 2:
            self.losses.look(logs["loss"], self.model)
            self.taken.append(self.losses.take())


def loss_of(weights: np.ndarray, batch: int) -> float:
    rows = slice(batch * fitting.BATCH, (batch + 1) * fitting.BATCH)
    return float(np.mean((fitting.X[rows] @ weights - fitting.Y[rows]) ** 2))


# Without an update all losses are known: those of the first weights.
EACH = [loss_of(fitting.WEIGHTS, batch) for batch in range(BATCHES)]
OF_TWO = [float(np.mean(EACH[:2])), float(np.mean(EACH[2:]))]


def still() -> Any:
    return keras_momentum.Momentum(1e-12, 0.0)


@pytest.mark.parametrize("arguments", [{}, {"metrics": ["mae"]}, {"run_eagerly": True}])
def test_means_of_the_epoch_are_losses_of_batches(arguments: dict[str, Any]) -> None:
    losses = Losses()
    fit(compiled(still(), **arguments), losses, epochs=2)
    assert losses.taken == pytest.approx(2 * OF_TWO, rel=1e-4)


@on_tensorflow
@pytest.mark.parametrize("kind", ["batch", "batch beside a mean", "own mean"])
def test_losses_of_batches_are_losses_of_batches(kind: str) -> None:
    import tensorflow as tf

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1, use_bias=False)
            self.mean = keras.metrics.Mean(name="loss" if kind == "own mean" else "m")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

        def train_step(self, data: Any) -> Any:
            loss = tf.reduce_mean((self(data[0]) - data[1]) ** 2)
            if kind == "own mean":
                self.mean.update_state(loss)
                return {"loss": self.mean.result()}
            if kind == "batch beside a mean":
                self._loss_tracker.update_state(loss)
            return {"loss": loss}

        @property
        def metrics(self) -> Any:
            return [self.mean] if kind == "own mean" else super().metrics

    model = Own()
    model(fitting.X)
    model.compile(still(), "mse")
    model.set_weights([fitting.WEIGHTS, *model.get_weights()[1:]])
    losses = Losses()
    fit(model, losses, epochs=2)
    assert losses.taken == pytest.approx(2 * OF_TWO, rel=1e-4)


def test_a_loop_of_ones_own_logs_losses_of_batches() -> None:
    model, losses = compiled(still()), Losses()
    events = keras.callbacks.CallbackList([losses], model=model, epochs=2)
    for epoch in range(2):
        events.on_epoch_begin(epoch)
        for batch in range(BATCHES):
            rows = slice(batch * fitting.BATCH, (batch + 1) * fitting.BATCH)
            logs = model.train_on_batch(
                fitting.X[rows], fitting.Y[rows], return_dict=True
            )
            events.on_train_batch_end(batch, logs)
    assert losses.taken == pytest.approx(2 * OF_TWO, rel=1e-4)


def observation(observed: int, uphill: int, velocity: float = 1.0) -> Observation:
    return Observation(1.0, velocity, 0.1, 0.5, observed, uphill)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([float("nan"), 1.0, 4.0], "grew from 1 to 4"),
        ([1.0, float("nan"), 4.0], "grew from 1 to 4"),
        ([-1.0, -1.0, -1.0], "uphill"),
        ([float("nan")] * 3, "uphill"),
        ([0.0, 0.0, 0.0], None),
        ([8.0, 4.0, 2.0], None),
    ],
)
def test_losses_that_are_no_numbers_or_below_zero(
    losses: list[float], reason: str | None
) -> None:
    judge = Overshoot(patience=1, max_uphill=0.15)
    judge.begin(observation(0, 0))
    uphill = 0 if reason and "grew" in reason else 10
    found = [
        judge(Window(loss, observation(10 * n, uphill * (n - 1), velocity=float(n))))
        for n, loss in enumerate(losses, start=1)
    ]
    if reason is None:
        assert found[1:] == [None, None]
    else:
        assert reason in (found[-1] or "")
