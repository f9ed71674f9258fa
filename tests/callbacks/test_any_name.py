"""`Ramp` and `Scheduler`: which names and values they take."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp, Ramp, Scheduler
from keras_momentum.schedules import LinearRamp
from tests.callbacks import fitting
from tests.callbacks.fitting import RATE, compiled, fit
from tests.callbacks.test_several_numbers import Lines, Mixed


def test_another_name_of_ones_own_class_is_the_same_thing() -> None:
    model = compiled(Mixed())
    history = fit(model, Ramp("force", 1.0, 2.0), epochs=2).history
    assert history["strength"] == [1.5, 2.0]
    for pair in (["force", "strength"], ["strength", "force"]):
        with pytest.raises(ValueError, match="moves strength.*Ramp and Ramp"):
            fit(model, *(Ramp(name, 1.0, 2.0) for name in pair), epochs=1)


@pytest.mark.parametrize("name", ["gamma", "momentum", "beta_1"])
def test_gamma_has_one_name_in_logs(name: str) -> None:
    assert Ramp(name, 0.2, 0.7).moves == ("gamma",)
    for mover in (Ramp(name, 0.25, 0.75), Scheduler(name, lambda epoch, _: 0.75)):
        model = compiled(keras_momentum.MomentumAdam(RATE, 0.5))
        history = fit(model, mover, epochs=1).history
        assert history["gamma"] == [0.75]
        assert name == "gamma" or name not in history


def test_the_one_of_gamma_does_what_its_subclass_does() -> None:
    one, other = (compiled(keras_momentum.NAG(RATE, 0.5)) for _ in range(2))
    fit(one, Ramp("momentum", 0.2, 0.7), epochs=3)
    fit(other, GammaRamp(0.2, 0.7), epochs=3)
    np.testing.assert_array_equal(fitting.weights_of(one), fitting.weights_of(other))


def adam(**arguments: Any) -> keras_momentum.MomentumAdam:
    return keras_momentum.MomentumAdam(RATE, **{"weight_decay": 0.0, **arguments})


HALVES = LinearRamp(0.5, 0.5, steps=1)
# The optimizer, the callback, the error and what it says.
REFUSED: list[tuple[Callable[[], Any], Callable[[], Any], type, str]] = [
    (adam, lambda: Ramp("beta_2", 0.5, 1.5), ValueError,
     r"Ramp can't move beta_2 so: argument `final` must be a float in the range "
     r"\[0, 1\)\. Received: final=1\.5"),
    (adam, lambda: Ramp("beta_2", -0.1, 0.5), ValueError, "`initial`.*initial=-0.1"),
    (adam, lambda: Ramp("epsilon", 0.0, 0.5), ValueError, "`initial`.*float > 0"),
    (adam, lambda: Ramp("gamma", 0.5, 1.1), ValueError, r"`final`.*\[0, 1\].*1\.1"),
    (adam, lambda: Ramp("weight_decay", 0.0, -1.0), ValueError, "`final`.*>= 0"),
    (adam, lambda: Ramp("learning_rate", -1.0, 0.0), ValueError,
     "Ramp can't move the learning rate so: argument `initial`.*float >= 0.*=-1.0"),
    (adam, lambda: Ramp("beta_2", 0.5, [0.5, 0.5]), ValueError, r"`final`.*\[0.5, 0"),
    (Mixed, lambda: Ramp("weights", 0.5, (0.5, 0.5)), ValueError,
     "`initial` must have 2 numbers.*initial=0.5"),
    (Mixed, lambda: Ramp("weights", (0.5, 0.5), (0.5,)), ValueError, "`final`.*2 num"),
    (Mixed, lambda: Ramp("weights", (0.5, 2.0), (0.5, 0.5)), ValueError,
     r"`initial` must have.*\[0, 1\].*2\.0"),
    (adam, lambda: Ramp("rho", 0.5, 0.9), ValueError,
     'Argument `name` of Ramp must be "learning_rate", "gamma", "weight_decay", '
     '"beta_2" or "epsilon".*MomentumAdam has.*Received: name=\'rho\''),
    (adam, lambda: Scheduler("rho", HALVES), ValueError, "of Scheduler.*name='rho'"),
    (lambda: adam(beta_2=HALVES), lambda: Ramp("beta_2", 0.5, 0.9), TypeError,
     "Ramp can't move beta_2: a schedule given as `beta_2` already.*without Ramp"),
    (lambda: adam(weight_decay=HALVES), lambda: Scheduler("weight_decay", HALVES),
     TypeError, "Scheduler can't move weight_decay: a schedule"),
    (lambda: adam(weight_decay=None), lambda: Ramp("weight_decay", 0.0, 1.0), TypeError,
     "Ramp can't move weight_decay.*`weight_decay=None`.*with `weight_decay=0.0`"),
    (lambda: Mixed(Lines(3)), lambda: Ramp("weights", (0.5, 0.5), (0.5, 0.5)),
     TypeError, "can't move weights: a schedule.*with numbers as `weights`"),
    (adam, lambda: Scheduler("beta_2", LinearRamp(0.5, 1.0, steps=7), "step"),
     ValueError, r"`schedule` of Scheduler must return a float in the range \[0, 1\)\. "
     r"Received: 1\.0 for step 7"),
    (adam, lambda: Scheduler("weight_decay", lambda *_: -0.1), ValueError,
     "must return a finite float >= 0. Received: -0.1 for epoch 0"),
    (adam, lambda: Scheduler("epsilon", lambda *_: -1e-9), ValueError, "> 0.*-1e-09"),
    (Mixed, lambda: Scheduler("weights", lambda *_: 0.5), ValueError,
     "must return 2 numbers, each a float.*Received: 0.5 for epoch 0"),
    (Mixed, lambda: Scheduler("weights", lambda *_: [0.5, 1.5]), ValueError,
     r"2 numbers.*\[0.5, 1.5\]"),
    (Mixed, lambda: Scheduler("weights", HALVES, unit="step"), ValueError,
     "2 numbers.*Received: 0.5 for step 0, from the LinearRamp"),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "mover", "error", "message"), REFUSED)
def test_what_is_refused_is_refused_before_training(
    optimizer: Callable[[], Any], mover: Callable[[], Any], error: Any, message: str
) -> None:
    model = compiled(optimizer())
    before = model.optimizer.get_config()
    with pytest.raises(error, match=message):
        fit(model, mover(), epochs=3)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()
    assert model.optimizer.get_config() == before
    settable = [
        each for each in model.optimizer.hyperparameters.values() if each.is_settable
    ]
    assert not any(each.is_moving for each in settable)


@pytest.mark.parametrize("wrong", [0.1, "", None, 3])
@pytest.mark.parametrize(
    "make", [lambda name: Ramp(name, 0.1, 0.2), lambda name: Scheduler(name, HALVES)]
)
def test_what_is_no_name_is_refused(make: Callable[[Any], Any], wrong: Any) -> None:
    with pytest.raises(ValueError, match="`name`.*Received: name="):
        make(wrong)


@pytest.mark.parametrize("wrong", ["0.1", None, True, [], [0.1, "b"], float("nan")])
@pytest.mark.parametrize("argument", ["initial", "final"])
def test_what_is_no_end_is_refused(argument: str, wrong: Any) -> None:
    arguments: dict[str, Any] = {"initial": 0.1, "final": 0.2, argument: wrong}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received: {argument}="):
        Ramp("beta_2", **arguments)


def test_integers_are_numbers() -> None:
    model = compiled(adam())
    history = fit(model, Ramp("weight_decay", 0, 1), epochs=2).history
    assert history["weight_decay"] == [0.5, 1.0]


def test_an_optimizer_of_several_that_has_none_is_named() -> None:
    heads = adam(name="heads")
    model = fitting.compiled_with_both(keras_momentum.NAG(RATE, name="body"), heads)
    before = fitting.weights_of(model)
    for make in (
        lambda **given: Ramp("beta_2", 0.5, 0.9, **given),
        lambda **given: Scheduler("beta_2", HALVES, **given),
    ):
        with pytest.raises(
            ValueError,
            match="`name` of .*body, of the class NAG, has no beta_2; pass those that "
            "have it, heads, as `optimizer=.*name='beta_2'",
        ):
            fit(model, make(), epochs=1)
        np.testing.assert_array_equal(fitting.weights_of(model), before)
    history = fit(model, Ramp("beta_2", 0.5, 0.75, optimizer=heads), epochs=1).history
    assert history["beta_2_heads"] == [0.75]


def test_a_learning_rate_may_begin_and_end_with_0() -> None:
    warm = keras.optimizers.schedules.CosineDecay(
        0.0, 8, warmup_target=0.25, warmup_steps=4
    )
    model = compiled(keras_momentum.NAG(RATE))
    mover = Scheduler("learning_rate", warm, unit="step")
    history = fit(model, mover, epochs=3).history
    assert history["learning_rate"] == pytest.approx([0.25, 0.125, 0.0], abs=1e-8)
