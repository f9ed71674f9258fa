"""A fit that ends otherwise than by its end leaves nothing behind that goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum._numbers import number
from keras_momentum.callbacks import (
    GammaRamp,
    GammaScheduler,
    MomentumMonitor,
    MomentumRestart,
    OneCycle,
    OvershootGuard,
    Ramp,
    Scheduler,
)
from keras_momentum.schedules import LinearRamp
from tests.callbacks import fitting
from tests.callbacks.fitting import RATE, compiled, fit

IN_MOTION: dict[str, Callable[[], keras.callbacks.Callback]] = {
    "ramp": lambda: GammaRamp(0.2, 0.8),
    "plan": lambda: GammaScheduler(LinearRamp(0.2, 0.8, steps=9), unit="step"),
    "cycle": lambda: OneCycle(0.1),
    "ramp of weight decay": lambda: Ramp("weight_decay", 0.0, 0.5),
    "plan of weight decay": lambda: Scheduler(
        "weight_decay", LinearRamp(0.0, 0.5, steps=30), unit="step"
    ),
    "restarts": lambda: MomentumRestart(3),
    "guard": lambda: OvershootGuard(verbose=0),
    "monitor": lambda: MomentumMonitor(1),
}
each_in_motion = pytest.mark.parametrize("make", IN_MOTION.values(), ids=IN_MOTION)


class Break(keras.callbacks.Callback):
    """Raises at an event of the third epoch."""

    def __init__(self, event: str, error: type[BaseException]):
        super().__init__()
        setattr(self, event, self._raise)
        self.error = error

    def _raise(self, index: int, logs: Any = None) -> None:
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 3:
            raise self.error


def state(model: keras.Model) -> tuple[Any, ...]:
    optimizer = model.optimizer
    names = ("gamma", "learning_rate", "weight_decay")
    values = [number(getattr(optimizer, name)) for name in names]
    return *values, optimizer.restarts, optimizer.observation().observed


def momentum() -> keras_momentum.Momentum:
    return keras_momentum.Momentum(RATE, 0.3, restart_every=1000, weight_decay=0.0)


def broken_off(
    callback: Any, event: str = "on_epoch_end", error: Any = KeyboardInterrupt
) -> keras.Model:
    model = compiled(momentum())
    with pytest.raises(error):
        fit(model, callback, Break(event, error), epochs=9)
    return model


def check_nothing_goes_on(model: keras.Model, before: tuple[Any, ...]) -> None:
    assert state(model) == before
    assert model.optimizer.restart_every == 1000
    assert not model.optimizer.is_observed
    assert not any(each.is_moving for each in model.optimizer.hyperparameters.values())
    assert type(model.train_function).__name__ == "function"


@each_in_motion
def test_the_next_fit_is_as_without_the_callback(make: Any) -> None:
    model = broken_off(make())
    before = state(model)
    fit(model, epochs=2)
    check_nothing_goes_on(model, before)


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("on_train_batch_begin", KeyboardInterrupt),
        ("on_train_batch_end", ValueError),
        ("on_epoch_begin", RuntimeError),
        ("on_test_begin", KeyboardInterrupt),
    ],
)
def test_wherever_it_breaks_off(event: str, error: Any) -> None:
    model = compiled(momentum())
    fault = Break(event, error)
    if event == "on_test_begin":
        fault.on_test_begin = lambda logs=None: fault._raise(0)
    with pytest.raises(error):
        fit(
            model,
            OneCycle(0.1),
            Ramp("weight_decay", 0.0, 0.5),
            fault,
            epochs=9,
            validation_data=(fitting.X, fitting.Y),
        )
    before = state(model)
    fit(model, epochs=1)
    check_nothing_goes_on(model, before)


def by_batch(model: keras.Model) -> None:
    model.train_on_batch(fitting.X, fitting.Y)


def with_another_callback(model: keras.Model) -> None:
    fit(model, keras_momentum.callbacks.RestartOnPlateau("loss"), epochs=1)


def compiled_with_the_same(model: keras.Model) -> None:
    model.compile(model.optimizer, "mse")
    fit(model, keras_momentum.callbacks.RestartOnPlateau("loss"), epochs=1)


@pytest.mark.parametrize(
    "train", [by_batch, with_another_callback, compiled_with_the_same]
)
def test_whatever_comes_next(train: Callable[[keras.Model], None]) -> None:
    model = broken_off(OneCycle(0.1))
    before = state(model)
    train(model)
    check_nothing_goes_on(model, before)


def test_the_next_fit_with_the_same_kind_is_not_refused() -> None:
    model = broken_off(GammaRamp(0.2, 0.8))
    fit(model, GammaRamp(0.1, 0.4), epochs=2)
    assert number(model.optimizer.gamma) == pytest.approx(0.4)


def test_the_interval_after_a_killed_run_is_that_of_the_optimizer(
    tmp_path: Path,
) -> None:
    for callback in (fitting.CrashBefore(2), fitting.StopAfter(4)):
        model = compiled(keras_momentum.Momentum(RATE, 0.3))
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        try:
            fit(model, backup, MomentumRestart(3), callback, epochs=4)
        except fitting.CrashError:
            continue
    assert model.optimizer.restart_every is None


class TrainsAside(keras.callbacks.Callback):
    """Steps in the midst of a fit that are none of its own."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.train_on_batch(fitting.X, fitting.Y)


@pytest.mark.parametrize("kind", ["ramp", "restarts", "cycle"])
def test_a_fit_goes_on_after_steps_of_others(kind: str) -> None:
    plain, disturbed = (compiled(keras_momentum.Momentum(RATE, 0.3)) for _ in range(2))
    fit(plain, IN_MOTION[kind](), epochs=4)
    fit(disturbed, IN_MOTION[kind](), TrainsAside(), epochs=4)
    assert number(disturbed.optimizer.gamma) == pytest.approx(
        number(plain.optimizer.gamma), abs=0.01
    )
    if kind == "restarts":
        assert disturbed.optimizer.restarts >= plain.optimizer.restarts > 0


class FitsAside(keras.callbacks.Callback):
    """A fit within a fit, with a callback of its own."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            self.model.fit(
                fitting.X, fitting.Y, verbose=0, callbacks=[GammaRamp(0.9, 0.95)]
            )


def test_a_fit_within_a_fit() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    fit(model, GammaRamp(0.2, 0.8), FitsAside(), epochs=4)
    assert number(model.optimizer.gamma) == pytest.approx(0.8, abs=0.05)


def test_a_ramp_ends_with_its_fit() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    fit(model, GammaRamp(0.2, 0.8), fitting.StopAfter(2), epochs=4)
    gamma = number(model.optimizer.gamma)
    fit(model, epochs=1)
    assert number(model.optimizer.gamma) == gamma == pytest.approx(0.5)


def test_the_function_that_stood_there_is_put_back() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    model.make_train_function()
    own, calls = model.train_function, []

    def counted(*arguments: Any) -> Any:
        calls.append(1)
        return own(*arguments)

    model.train_function = counted
    fit(model, GammaRamp(), epochs=2)
    assert model.train_function is counted
    assert len(calls) == 2 * fitting.BATCHES


def test_a_list_of_callbacks_used_again() -> None:
    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    events = keras.callbacks.CallbackList(
        [GammaRamp(0.2, 0.8), Break("on_epoch_end", KeyboardInterrupt)],
        add_history=True,
        model=model,
        epochs=4,
        steps=fitting.BATCHES,
    )
    for _ in range(2):
        try:
            model.fit(
                fitting.X,
                fitting.Y,
                batch_size=fitting.BATCH,
                epochs=4,
                callbacks=events,
                verbose=0,
            )
        except KeyboardInterrupt:
            continue
    assert number(model.optimizer.gamma) == pytest.approx(0.8)


@each_in_motion
def test_the_same_callback_twice_in_a_list(make: Any) -> None:
    model = compiled(momentum())
    callback = make()
    fit(model, callback, callback, epochs=2)
    assert type(model.train_function).__name__ == "function"
    assert np.isfinite(fitting.weights_of(model)).all()
