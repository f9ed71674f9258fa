"""A model that is compiled again, or whose training function is made again."""

from collections.abc import Callable
from typing import Any

import keras
import pytest

import keras_momentum
from keras_momentum._numbers import number
from keras_momentum.callbacks import GammaRamp, MomentumMonitor
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit
from tests.callbacks.test_contract import MAKE, MOVERS

pytestmark = pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="on JAX Keras can't replace an optimizer in mid-fit",
)
EPOCHS = 6


def compile_again(model: keras.Model) -> None:
    model.compile(keras_momentum.NAG(RATE, 0.5), "mse")


def compile_and_make(model: keras.Model) -> None:
    compile_again(model)
    model.make_train_function(force=True)


def only_make(model: keras.Model) -> None:
    model.make_train_function(force=True)


def compile_with_the_same(model: keras.Model) -> None:
    model.compile(model.optimizer, "mse")


class Again(keras.callbacks.Callback):
    """Does it when the third epoch begins, or when the second one has ended."""

    def __init__(self, do: Callable[[keras.Model], None], at_end: bool = False):
        super().__init__()
        self.do, self.at_end = do, at_end

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2 and not self.at_end:
            self.do(self.model)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1 and self.at_end:
            self.do(self.model)


@pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)
def test_each_callback_goes_on_with_the_new_optimizer(kind: type) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    old = model.optimizer
    fit(model, Again(compile_and_make), MAKE[kind](), epochs=EPOCHS)
    new = model.optimizer
    assert new is not old
    assert number(new.iterations) == 4 * BATCHES
    if kind in MOVERS:
        assert number(new.gamma) == pytest.approx(0.7)
        assert new.hyperparameter("gamma").is_settable
    assert type(model.train_function).__name__ == "function"


@pytest.mark.parametrize(
    ("do", "at_end"),
    [
        (compile_again, False),
        (only_make, False),
        (compile_with_the_same, False),
        (compile_again, True),
        (only_make, True),
    ],
)
def test_in_whatever_way(do: Callable[[keras.Model], None], at_end: bool) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    callbacks = [GammaRamp(0.2, 0.7), MomentumMonitor(1)]
    # After the others if it happens at the end of an epoch.
    order = [*callbacks, Again(do, True)] if at_end else [Again(do), *callbacks]
    history = fit(model, *order, epochs=EPOCHS).history
    assert number(model.optimizer.gamma) == pytest.approx(0.7)
    assert history["gamma"] == pytest.approx(
        [0.2 + 0.5 * (epoch + 1) / EPOCHS for epoch in range(EPOCHS)]
    )
    assert all(norm > 0 for norm in history["velocity_norm"])
    assert type(model.train_function).__name__ == "function"


def test_a_frozen_layer_moves_when_it_is_unfrozen() -> None:
    first = keras.layers.Dense(2, trainable=False)
    model = keras.Sequential([keras.Input((3,)), first, keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(RATE, 0.5), "mse")
    before = first.get_weights()[0]

    def unfreeze(model: keras.Model) -> None:
        first.trainable = True
        compile_and_make(model)

    history = fit(model, Again(unfreeze), MomentumMonitor(), epochs=EPOCHS).history
    assert (first.get_weights()[0] != before).any()
    assert all(loss > 0 for loss in history["loss"])


def test_an_optimizer_that_can_not_be_moved_is_named() -> None:
    def compile_with_schedule(model: keras.Model) -> None:
        ramp = keras_momentum.schedules.LinearRamp(steps=9)
        model.compile(keras_momentum.Momentum(RATE, ramp), "mse")

    model = compiled(keras_momentum.NAG(RATE, 0.5))
    with pytest.raises(TypeError, match="GammaRamp can't move gamma"):
        fit(model, Again(compile_with_schedule), GammaRamp(), epochs=EPOCHS)


def test_one_of_keras_that_comes_in_mid_fit_is_named() -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    with pytest.raises(ValueError, match=r"passed to the callback.*SGD"):
        fit(
            model,
            Again(lambda model: model.compile("sgd", "mse")),
            MomentumMonitor(),
            epochs=EPOCHS,
        )


def test_steps_of_an_unknown_number_go_on_counting() -> None:
    steps: list[int] = []

    def schedule(step: int, gamma: float) -> float:
        steps.append(step)
        return 0.5

    model = compiled(keras_momentum.NAG(RATE, 0.5))
    scheduler = keras_momentum.callbacks.GammaScheduler(schedule, unit="step")
    arguments = fitting.unknown_length()
    fit(model, Again(compile_again), scheduler, epochs=4, **arguments)
    assert steps == sorted(steps)
    # And maybe one for a batch that did not come, as data end without notice.
    assert set(steps) - {4 * BATCHES} == set(range(4 * BATCHES))
