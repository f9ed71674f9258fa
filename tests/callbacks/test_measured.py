"""What is measured is measured: updates, losses, and what is said if they are not."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp, MomentumMonitor, OvershootGuard
from keras_momentum.callbacks._batch_losses import BatchLosses
from keras_momentum.callbacks._overshoot import Overshoot, Window
from keras_momentum.optimizers import Observation
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
