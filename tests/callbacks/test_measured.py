"""What is measured is measured: updates, losses, and what is said if they are not."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp, MomentumMonitor, OvershootGuard
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit

BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="a train_step for TensorFlow"
)


def batches(number: int) -> Iterator[Any]:
    for _ in range(number):
        yield fitting.X[:4], fitting.Y[:4]


@pytest.mark.parametrize("length", [1, 2, 5, 60, 130])
def test_each_epoch_of_unknown_length_is_measured(length: int) -> None:
    import tensorflow as tf

    data = tf.data.Dataset.from_generator(
        lambda: batches(length),
        output_signature=(tf.TensorSpec((4, 3)), tf.TensorSpec((4, 1))),
    )
    model = compiled(keras_momentum.Momentum(RATE))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="MomentumMonitor")
        history = fit(
            model, MomentumMonitor(), x=data, y=None, batch_size=None, epochs=2
        ).history
    assert np.isfinite(history["velocity_norm"]).all()
    # And no more of them than needed: 1, 3, 7, 15, ..., and the steps 100 apart.
    observed = model.optimizer.observation().observed
    assert observed <= 2 * min(length, 8)


def test_an_epoch_that_is_shorter_than_fit_was_told() -> None:
    model = compiled(keras_momentum.Momentum(RATE))
    data = fitting.unknown_length()
    with pytest.warns(UserWarning, match=r"MomentumMonitor saw no update.*measured"):
        history = fit(
            model, MomentumMonitor(), **data, epochs=1, steps_per_epoch=50
        ).history
    assert "velocity_norm" not in history


@pytest.mark.parametrize("make", [MomentumMonitor, OvershootGuard])
def test_an_eager_step_is_measured(make: Any) -> None:
    model = compiled(keras_momentum.Momentum(RATE), run_eagerly=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=make.__name__)
        fit(model, make(), epochs=2)
    assert model.optimizer.observation().observed > 0
    before = model.optimizer.observation()
    fit(model, epochs=1)
    assert model.optimizer.observation() == before


@on_tensorflow
@pytest.mark.parametrize("make", [MomentumMonitor, OvershootGuard])
def test_a_step_that_can_not_be_measured_is_told_once(make: Any) -> None:
    import tensorflow as tf

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

        @tf.function
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    model = Own()
    model.compile(keras_momentum.Momentum(RATE, name="mine"), "mse")
    fit(model, epochs=1)
    with pytest.warns(UserWarning, match=make.__name__) as caught:
        fit(model, make(), epochs=3)
    told = [str(each.message) for each in caught if make.__name__ in str(each.message)]
    assert len(told) == 1
    assert "saw no update of mine in epoch 1" in told[0]
    assert "tf.function" in told[0]


@pytest.mark.parametrize("make", [MomentumMonitor, OvershootGuard, GammaRamp])
def test_an_optimizer_that_does_not_train_is_told_once(make: Any) -> None:
    model = compiled(keras_momentum.Momentum(RATE))
    idle = keras_momentum.Momentum(RATE, name="idle")
    idle.build(model.trainable_variables)
    with pytest.warns(UserWarning, match=make.__name__) as caught:
        fit(model, make(optimizer=idle), epochs=3)
    told = [str(each.message) for each in caught if make.__name__ in str(each.message)]
    assert len(told) == 1
    assert "no update of idle in epoch 1: something else trains" in told[0]


def test_gradients_accumulated_over_more_than_an_epoch() -> None:
    optimizer = keras_momentum.Momentum(RATE, gradient_accumulation_steps=BATCHES + 1)
    with pytest.warns(UserWarning, match="it accumulates the gradients of 5 batches"):
        fit(compiled(optimizer), MomentumMonitor(), epochs=1)


def test_a_gap_is_a_gap_in_the_history() -> None:
    model = compiled(keras_momentum.Momentum(RATE, skip_nonfinite=True))

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.before = self.model.get_weights()
                self.model.set_weights([np.full((3, 1), np.nan)])
            if epoch == 2:
                self.model.set_weights(self.before)

    with pytest.warns(UserWarning, match="skipped 4 steps"):
        history = fit(model, MomentumMonitor(), Spoil(), epochs=3).history
    assert np.isfinite(history["cosine"]).tolist() == [True, False, True]


def test_logs_without_a_loss_are_told_once() -> None:
    guard = OvershootGuard(verbose=0)
    model = compiled(keras_momentum.Momentum(RATE))
    guard.set_params({"epochs": 1, "steps": 4})
    guard.set_model(model)
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    guard.on_train_batch_begin(0)
    with pytest.warns(UserWarning, match="no `loss` in the logs.*are: mae"):
        guard.on_train_batch_end(0, {"mae": 1.0})
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="OvershootGuard")
        guard.on_train_batch_end(1, {"mae": 1.0})
    guard.on_train_end()
