"""The gradient noise scale."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import gradient_noise_scale
from tests.comparison.problem import weights_of

SAMPLES, SIZE = 512, 8


def linear(optimizer: Any = "sgd", **compiled: Any) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, use_bias=False, dtype="float32")]
    )
    model.compile(optimizer, loss="mse", **compiled)
    model.set_weights([np.array([[0.5], [-1.0], [2.0]])])
    return model


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, 3)).astype("float32")
    return x, (x @ [1.0, 1.0, 1.0] + rng.normal(size=SAMPLES)).astype("float32")


def of_formula(x: Any, y: Any, w: Any, weight: Any = 1.0) -> float:
    """The unbiased variance and mean of the gradients of samples, in float64."""
    x, y = x.astype("float64"), y.astype("float64")
    gradients = (weight * 2 * (x @ np.ravel(w) - y))[:, None] * x
    noise = gradients.var(axis=0, ddof=1).sum()
    return noise / (np.square(gradients.mean(axis=0)).sum() - noise / len(x))


def test_it_is_that_of_the_gradients_of_single_samples() -> None:
    """With batches of one sample nothing is left to chance."""
    model, (x, y) = linear(), data()
    found = gradient_noise_scale(model, (x, y), batch_size=1, batches=SAMPLES)
    expected = of_formula(x, y, model.get_weights()[0])
    assert found.scale == pytest.approx(expected, rel=1e-3)
    assert (found.batches, found.batch_size) == (SAMPLES, 1)


def test_the_size_of_the_batches_does_not_change_what_is_estimated() -> None:
    model, (x, y) = linear(), data()
    expected = of_formula(x, y, model.get_weights()[0])
    found = [
        gradient_noise_scale(model, (x, y), batch_size=SIZE, seed=seed).scale
        for seed in range(5)
    ]
    assert np.mean(found) == pytest.approx(expected, rel=0.15)


def test_class_weights_are_those_of_fit() -> None:
    model, (x, y) = linear(), data()
    y = (y > 0).astype("float32")
    found = gradient_noise_scale(
        model, (x, y), batch_size=1, batches=SAMPLES, class_weight={0: 1.0, 1: 3.0}
    )
    weights = np.where(y > 0, 3.0, 1.0)
    expected = of_formula(x, y, model.get_weights()[0], weights)
    assert found.scale == pytest.approx(expected, rel=1e-3)


def test_noise_without_a_gradient_has_no_scale() -> None:
    """At the optimum the gradient is 0 and the noise is not."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(SAMPLES, 3)).astype("float32")
    y = (x @ [0.5, -1.0, 2.0] + rng.normal(size=SAMPLES)).astype("float32")
    found = [
        gradient_noise_scale(linear(), (x, y), batch_size=SIZE, seed=seed)
        for seed in range(4)
    ]
    assert sum(np.isnan(each.scale) for each in found) >= 3
    assert "can't be resolved" in "".join(map(str, found))


def test_few_samples_come_in_smaller_batches() -> None:
    x, y = data()
    found = gradient_noise_scale(linear(), (x[:64], y[:64]), batch_size=64)
    assert (found.batches, found.batch_size) == (8, 8)


@pytest.mark.parametrize("scaled", [False, True])
def test_the_model_is_left_as_it_was(scaled: bool) -> None:
    optimizer: Any = keras_momentum.NAG(0.1)
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    model = linear(optimizer)
    model.fit(*data(), verbose=0)
    before, history = weights_of(model), model.history
    function = model.train_function
    keras.utils.set_random_seed(5)
    expected = np.random.random()
    keras.utils.set_random_seed(5)
    found = gradient_noise_scale(model, data(), batch_size=SIZE)
    assert found.batches == SAMPLES // SIZE
    assert model.optimizer is optimizer
    assert model.history is history
    assert model.train_function is function
    assert np.random.random() == expected
    for first, second in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batches": 7}, "Argument `batches` must be an integer >= 8"),
        ({"batch_size": 0}, "Argument `batch_size` must be an integer >= 1"),
        ({"seed": -1}, "Argument `seed` must be an integer >= 0"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gradient_noise_scale(linear(), data(), **arguments)
