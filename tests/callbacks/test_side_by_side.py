"""Callbacks that move one thing, and those that move two."""

from typing import Any

import keras
import pytest

import keras_momentum
from keras_momentum._numbers import number
from keras_momentum.callbacks import (
    EvaluateAtIterate,
    GammaRamp,
    GammaScheduler,
    MomentumMonitor,
    MomentumRestart,
    OneCycle,
    OvershootGuard,
    Ramp,
    RestartOnPlateau,
    Scheduler,
)
from keras_momentum.schedules import LinearRamp
from tests.callbacks import fitting
from tests.callbacks.fitting import RATE, compiled, fit, gamma_of
from tests.callbacks.test_contract import MAKE


class Own(keras.callbacks.Callback):
    """A person's callback that says what it moves."""

    moves = ("learning_rate", "gamma")


class OwnMomentum(keras.callbacks.Callback):
    """One that says it with another name."""

    moves = ("momentum",)


def rates(epoch: int, rate: float) -> float:
    return rate


PAIRS: list[tuple[Any, Any]] = [
    (lambda: OneCycle(0.1), lambda: keras.callbacks.LearningRateScheduler(rates)),
    (lambda: OneCycle(0.1), lambda: keras.callbacks.ReduceLROnPlateau("loss")),
    (lambda: OneCycle(0.1), Own),
    (lambda: OneCycle(0.1), lambda: OneCycle(0.2)),
    (GammaRamp, Own),
    (GammaRamp, lambda: OneCycle(0.1)),
    (OvershootGuard, Own),
    (EvaluateAtIterate, keras.callbacks.SwapEMAWeights),
    (EvaluateAtIterate, EvaluateAtIterate),
    (lambda: MomentumRestart(3), lambda: MomentumRestart(4)),
    (lambda: Ramp("momentum", 0.1, 0.2), GammaRamp),
    (lambda: Ramp("beta_1", 0.1, 0.2), lambda: Scheduler("gamma", rates)),
    (lambda: Ramp("momentum", 0.1, 0.2), lambda: OneCycle(0.1)),
    (lambda: Ramp("momentum", 0.1, 0.2), OvershootGuard),
    (lambda: Ramp("momentum", 0.1, 0.2), OwnMomentum),
    (GammaRamp, OwnMomentum),
    (lambda: Ramp("weight_decay", 0.1, 0.2), lambda: Scheduler("weight_decay", rates)),
    (
        lambda: Ramp("learning_rate", 0.1, 0.2),
        lambda: keras.callbacks.LearningRateScheduler(rates),
    ),
    (
        lambda: Scheduler("learning_rate", rates),
        lambda: keras.callbacks.ReduceLROnPlateau("loss"),
    ),
    (lambda: Scheduler("learning_rate", rates), lambda: OneCycle(0.1)),
]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(("ours", "other"), PAIRS)
def test_two_that_move_one_thing_are_named(
    ours: Any, other: Any, is_first: bool
) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5, use_ema=True, weight_decay=0.0))
    callbacks = [ours(), other()]
    if not is_first:
        callbacks.reverse()
    names = " and ".join(type(callback).__name__ for callback in callbacks)
    with pytest.raises(ValueError, match=f"`callbacks`.*Received: {names}"):
        fit(model, *callbacks, epochs=1)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()


def test_what_moves_different_things_goes_together() -> None:
    model = compiled(keras_momentum.MomentumAdam(RATE, 0.5, weight_decay=0.0))
    fit(
        model,
        GammaRamp(0.2, 0.7),
        Ramp("beta_2", 0.9, 0.99),
        Scheduler("weight_decay", lambda epoch, decay: 0.25),
        Scheduler("epsilon", LinearRamp(0.5, 0.125, steps=7), unit="step"),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2),
        MomentumRestart(3),
        MomentumRestart(2, unit="epoch"),
        RestartOnPlateau("loss"),
        MomentumMonitor(2),
        MomentumMonitor(3),
        OvershootGuard(action="restart", verbose=0),
        epochs=2,
    )
    assert gamma_of(model) == pytest.approx(0.7)
    optimizer = model.optimizer
    assert number(optimizer.learning_rate) == pytest.approx(RATE / 4)
    assert number(optimizer.beta_2) == pytest.approx(0.99)
    assert number(optimizer.weight_decay) == pytest.approx(0.25)
    assert number(optimizer.epsilon) == pytest.approx(0.125)


def test_swapped_weights_go_with_whatever_moves() -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5, weight_decay=0.0))
    ramp = Ramp("weight_decay", 0.0, 0.5)
    fit(model, GammaRamp(0.2, 0.7), ramp, EvaluateAtIterate(), epochs=2)
    assert gamma_of(model) == pytest.approx(0.7)
    assert number(model.optimizer.weight_decay) == pytest.approx(0.5)


def test_each_of_two_optimizers_has_a_mover_of_its_own() -> None:
    one, other = (
        keras_momentum.Momentum(RATE, 0.5, name="one"),
        keras_momentum.NAG(RATE, 0.5, name="other"),
    )
    model = fitting.compiled_with_both(one, other)
    fit(
        model,
        GammaRamp(0.2, 0.7, optimizer=one),
        GammaScheduler(lambda epoch, gamma: 0.1, optimizer=[other]),
        epochs=2,
    )
    assert number(one.gamma) == pytest.approx(0.7)
    assert number(other.gamma) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="GammaRamp and GammaScheduler"):
        fit(
            model,
            GammaRamp(optimizer=[one, other]),
            GammaScheduler(lambda epoch, gamma: 0.1, optimizer=other),
            epochs=1,
        )


@pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)
def test_each_callback_takes_an_optimizer(kind: type) -> None:
    one, other = (keras_momentum.NAG(RATE, 0.5, name=name) for name in ("one", "other"))
    model = fitting.compiled_with_both(one, other)
    callback = MAKE[kind]()
    callback.optimizer = one
    fit(model, callback, epochs=2)
    assert number(other.gamma) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="Argument `optimizer` must be"):
        kind(*_positional(kind), optimizer="sgd")


def _positional(kind: type) -> list[Any]:
    needed: dict[type, list[Any]] = {
        GammaScheduler: [lambda epoch, gamma: gamma],
        MomentumRestart: [3],
        OneCycle: [0.1],
        Ramp: ["gamma", 0.2, 0.7],
        Scheduler: ["gamma", rates],
    }
    return needed.get(kind, [])


@pytest.mark.parametrize("wrong", [[], "sgd", keras.optimizers.SGD, 3])
def test_what_is_no_optimizer_is_named(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"`optimizer` must be.*Received: optimizer="):
        GammaRamp(optimizer=wrong)
    with pytest.raises(ValueError, match="Received: optimizer=.*SGD"):
        GammaRamp(optimizer=keras.optimizers.SGD(0.1))


@pytest.mark.parametrize(
    "optimizer", [keras.optimizers.SGD(0.1), None], ids=["SGD", "none"]
)
def test_without_one_the_error_says_where_to_pass_it(optimizer: Any) -> None:
    model = compiled(keras_momentum.NAG(RATE))
    model.optimizer = optimizer
    events = keras.callbacks.CallbackList([GammaRamp()], model=model, epochs=2)
    with pytest.raises(ValueError, match=r"`optimizer=\.\.\.`.*model\.optimizer="):
        events.on_train_begin()


@pytest.mark.parametrize(
    "name",
    ["gamma", "momentum", "beta_1", "restart_every", "weight_decay", "beta_2"],
)
def test_what_is_set_in_vain_on_a_wrapper_is_named(name: str) -> None:
    inner = keras_momentum.MomentumAdam(RATE, 0.5)
    wrapper = keras.optimizers.LossScaleOptimizer(inner)
    model = compiled(wrapper)
    setattr(wrapper, name, 0.1)
    with pytest.raises(ValueError, match=rf"inner_optimizer\.{name}.*Received: .*=0.1"):
        fit(model, MomentumMonitor(), epochs=1)


def test_a_learning_rate_is_not_set_in_vain_on_a_wrapper() -> None:
    inner = keras_momentum.MomentumAdam(RATE, 0.5)
    model = compiled(keras.optimizers.LossScaleOptimizer(inner))
    model.optimizer.learning_rate = 0.25
    history = fit(model, MomentumMonitor(), epochs=1).history
    assert history["learning_rate"] == [0.25]


def test_what_is_set_in_vain_on_several_is_named() -> None:
    model = fitting.compiled_with_both(keras_momentum.NAG(), keras_momentum.NAG())
    model.optimizer.gamma = 0.1
    with pytest.raises(ValueError, match=r"set `model\.optimizer\.optimizers\[0\]\.g"):
        fit(model, MomentumMonitor(), epochs=1)


def test_a_restart_on_plateau_needs_no_learning_rate() -> None:
    for rate in (keras.optimizers.schedules.CosineDecay(0.1, 10), lambda: 0.01):
        model = compiled(keras_momentum.NAG(rate))
        plateau = RestartOnPlateau("loss", patience=1, min_delta=1e9)
        fit(model, plateau, epochs=3)
        assert model.optimizer.restarts > 0


def test_callbacks_say_what_they_move_and_whether_they_restart() -> None:
    restarting = {
        kind for kind, make in MAKE.items() if getattr(make(), "restarts", None)
    }
    assert restarting == {MomentumRestart, OvershootGuard, RestartOnPlateau}
    moving = {
        kind for kind, make in MAKE.items() if "gamma" in getattr(make(), "moves", ())
    }
    assert moving == {
        *(GammaRamp, GammaScheduler, OneCycle),
        *(OvershootGuard, Ramp, Scheduler),
    }
    assert OvershootGuard(action="restart").moves == ()
