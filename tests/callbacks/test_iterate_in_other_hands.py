"""θ where something else holds weights: constraints, people, what breaks off."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum.callbacks import EvaluateAtIterate
from tests.callbacks.fitting import BATCHES, WEIGHTS, compiled, fit, weights_of
from tests.callbacks.test_evaluate_at_iterate import (
    EPOCHS,
    VALIDATION,
    Keep,
    loss_at,
    nag,
    points,
)


def constrained(constraint: Any) -> keras.Model:
    layer = keras.layers.Dense(1, use_bias=False, kernel_constraint=constraint)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(nag(), "mse")
    model.set_weights([constraint(WEIGHTS)])
    return model


@pytest.mark.parametrize(
    "constraint",
    [
        keras.constraints.UnitNorm(),
        keras.constraints.MaxNorm(1.0),
        keras.constraints.NonNeg(),
    ],
    ids=lambda constraint: type(constraint).__name__,
)
def test_a_constraint_holds_wherever_the_iterate_is(constraint: Any) -> None:
    plain, swapped, keep, other = (
        constrained(constraint),
        constrained(constraint),
        Keep(),
        Keep(),
    )
    fit(plain, other, epochs=EPOCHS)
    fit(swapped, EvaluateAtIterate(), keep, epochs=EPOCHS)
    for weights in [*keep.ends, weights_of(swapped)]:
        kept = keras.ops.convert_to_numpy(constraint(weights))
        np.testing.assert_allclose(weights, kept, rtol=1e-5, atol=1e-6)
    # And training goes on at φ.
    np.testing.assert_array_equal(keep.begins, other.begins)


class Assigns(keras.callbacks.Callback):
    """A person's callback that sets weights when an epoch ends."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            self.model.set_weights([np.full((3, 1), 0.25, np.float32)])


@pytest.mark.parametrize("validated", [True, False])
def test_a_weight_that_somebody_sets_is_kept(validated: bool) -> None:
    model, keep = compiled(nag()), Keep()
    arguments = {"validation_data": VALIDATION} if validated else {}
    fit(model, EvaluateAtIterate(), Assigns(), keep, epochs=3, **arguments)
    np.testing.assert_array_equal(keep.begins[2 * BATCHES], np.full((3, 1), 0.25))


class Evaluates(keras.callbacks.Callback):
    """Evaluates by itself when an epoch ends, with the same callback."""

    def __init__(self, at_iterate: EvaluateAtIterate):
        super().__init__()
        self.at_iterate = at_iterate

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        callbacks = [self.at_iterate]
        self.model.evaluate(*VALIDATION, verbose=0, callbacks=callbacks)


def test_an_evaluation_between_epochs_swaps_nothing_twice() -> None:
    plain, swapped, keep, other = compiled(nag()), compiled(nag()), Keep(), Keep()
    at_iterate = EvaluateAtIterate()
    fit(plain, other, epochs=EPOCHS)
    fit(swapped, at_iterate, Evaluates(at_iterate), keep, epochs=EPOCHS)
    np.testing.assert_array_equal(keep.begins, other.begins)
    _, theta = points(2 * BATCHES)
    np.testing.assert_allclose(keep.ends[1], theta, rtol=1e-4)


class Fails(keras.callbacks.Callback):
    """Raises while θ is in."""

    def __init__(self, event: str):
        super().__init__()
        setattr(self, event, self._fail)

    def _fail(self, *arguments: Any, **keywords: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("event", ["on_epoch_end", "on_test_begin"])
@pytest.mark.parametrize("with_it", [True, False])
def test_a_fit_that_breaks_off_leaves_the_iterate(event: str, with_it: bool) -> None:
    model, at_iterate = compiled(nag()), EvaluateAtIterate()
    with pytest.raises(KeyboardInterrupt):
        fit(model, at_iterate, Fails(event), epochs=3, validation_data=VALIDATION)
    _, theta = points(BATCHES)
    np.testing.assert_allclose(weights_of(model), theta, rtol=1e-4)
    assert not model.optimizer.look_aheads().any()
    # The next one begins at θ, with the velocity that there is.
    keep = Keep()
    fit(model, *([at_iterate] if with_it else []), keep, epochs=1)
    np.testing.assert_allclose(keep.begins[0], theta, rtol=1e-4)


def test_an_evaluation_that_breaks_off_and_is_done_again() -> None:
    model, at_iterate = compiled(nag()), EvaluateAtIterate()
    fit(model, epochs=1)
    x, y = VALIDATION
    with pytest.raises(KeyboardInterrupt):
        model.evaluate(x, y, verbose=0, callbacks=[at_iterate, Fails("on_test_begin")])
    fit(model, epochs=1)
    before = weights_of(model)
    theta = keras.ops.convert_to_numpy(
        model.optimizer.iterate(model.trainable_variables[0])
    )
    loss = model.evaluate(x, y, verbose=0, callbacks=[at_iterate])
    assert loss == pytest.approx(loss_at(theta), rel=1e-4)
    np.testing.assert_array_equal(weights_of(model), before)
