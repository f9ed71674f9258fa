"""A model's state, put back in place."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import ModelState
from tests.comparison.problem import TRAINING, build_model, weights_of

OPTIMIZERS: dict[str, Callable[[], keras.optimizers.Optimizer]] = {
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "MomentumAdam": lambda: keras_momentum.MomentumAdam(0.01, restart_every=3),
    "LossScale": lambda: keras.optimizers.LossScaleOptimizer(
        keras_momentum.Momentum(0.01, momentum=0.9)
    ),
    "EMA": lambda: keras_momentum.NAG(0.01, use_ema=True, ema_overwrite_frequency=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_from_a_restored_state_is_the_same_bit_for_bit(name: str) -> None:
    model = build_model(optimizer=OPTIMIZERS[name]())
    # On torch the first `fit` of a model uses random numbers before it trains.
    model.fit(*TRAINING, epochs=1, verbose=0)
    state = ModelState(model)
    found = []
    for _ in range(2):
        state.restore()
        history = model.fit(*TRAINING, epochs=2, shuffle=False, verbose=0)
        found.append((history.history["loss"], weights_of(model)))
    assert found[0][0] == found[1][0]
    for first, second in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_array_equal(first, second)


def test_restoring_undoes_a_training() -> None:
    model = build_model(optimizer=keras_momentum.Momentum(0.01))
    state = ModelState(model)
    before = weights_of(model)
    model.fit(*TRAINING, verbose=0)
    after = weights_of(model)
    assert any((a != b).any() for a, b in zip(before, after, strict=True))
    state.restore()
    for first, second in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_model_must_be_compiled_and_built() -> None:
    with pytest.raises(ValueError, match="The model must be compiled"):
        ModelState(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match="must have its weights"):
        ModelState(model)
