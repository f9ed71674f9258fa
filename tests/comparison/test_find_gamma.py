"""Gammas tried with one compilation."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import keras_momentum
from keras_momentum.comparison import GammaSearch, find_gamma
from tests.comparison.problem import TRAINING, Counting, X, Y, build_model, weights_of

GAMMAS = (0.0, 0.5, 0.95)
STEPS = 6


class Losses(keras.callbacks.Callback):
    """The loss of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert logs is not None
        self.losses.append(float(logs["loss"]))


def model_with(gamma: float, kind: Any = keras_momentum.Momentum) -> keras.Model:
    keras.utils.set_random_seed(0)
    argument = {kind.gamma_argument: gamma}
    return build_model(optimizer=kind(0.05, **argument))


@pytest.mark.parametrize(
    "kind", [keras_momentum.NAG, keras_momentum.MomentumAdam], ids=lambda k: k.__name__
)
def test_losses_are_those_of_separate_trainings_bit_for_bit(kind: Any) -> None:
    model = model_with(0.9, kind)
    found = find_gamma(model, lambda seed: Repeated(), GAMMAS, STEPS, seed=0, verbose=0)
    for gamma in GAMMAS:
        separate = model_with(gamma, kind)
        losses = Losses()
        keras.utils.set_random_seed(0)
        separate.fit(Repeated(), shuffle=False, verbose=0, callbacks=[losses])
        assert found.losses[gamma].tolist() == losses.losses


class Repeated(keras.utils.PyDataset):
    """Batches in their order."""

    def __len__(self) -> int:
        return STEPS

    def __getitem__(self, index: int) -> Any:
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


def test_the_model_is_left_as_it_was() -> None:
    model = model_with(0.9)
    model.fit(*TRAINING, verbose=0)
    before, history = weights_of(model), model.history
    find_gamma(model, TRAINING, GAMMAS, STEPS, verbose=0)
    for first, second in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(first, second)
    assert model.history is history
    assert float(keras.ops.convert_to_numpy(model.optimizer.gamma)) == pytest.approx(
        0.9
    )
    assert not model.stop_training


def test_it_is_left_as_it_was_after_an_error_too() -> None:
    model = model_with(0.9)
    before = weights_of(model)
    x, y = X.copy(), Y
    with pytest.raises(Exception, match=r".+"):
        find_gamma(model, (x[:, :5], y), GAMMAS, STEPS, verbose=0)
    for first, second in zip(before, weights_of(model)[: len(before)], strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="on torch nothing is traced"
)
def test_all_gammas_share_one_trace() -> None:
    counting = Counting()
    model = keras.Sequential([keras.Input((8,)), counting, keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(0.01), loss="mse")
    find_gamma(model, (X, Y), gammas=(0.5,), steps=3, verbose=0)
    once = counting.calls
    find_gamma(model, (X, Y), GAMMAS, steps=3, verbose=0)
    assert counting.calls == once > 0


def test_the_best_gamma_of_a_valley_is_that_of_theory() -> None:
    class Valley(keras.layers.Layer):
        """½ (λ_1 w_1² + λ_2 w_2²), the same for every batch."""

        def build(self, shape: Any) -> None:
            self.w = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x: Any) -> Any:
            curvatures = keras.ops.convert_to_tensor([1.0, 1.0 / 400.0])
            return x * 0.0 + 0.5 * keras.ops.sum(curvatures * self.w**2)

    model = keras.Sequential([keras.Input((1,)), Valley()])
    # Heavy ball, κ = 400: ((√κ − 1)/(√κ + 1))² = 0.8186, η = 4/(√L + √μ)² = 3.628.
    best = ((20 - 1) / (20 + 1)) ** 2
    model.compile(
        keras_momentum.Momentum(4.0 / 1.05**2, momentum=0.0),
        loss=lambda y_true, y_pred: keras.ops.mean(y_pred, axis=-1),
    )
    data = (np.zeros((8, 1)), np.zeros((8, 1)))
    search = find_gamma(model, data, (0.0, 0.5, best, 0.95, 0.99), 120, verbose=0)
    assert search.recommended == best
    assert math.isnan(search.final_losses[0.0])


def test_data_that_shuffle_by_themselves_are_the_same_for_all() -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(TRAINING).shuffle(64).batch(8)
    search = find_gamma(model_with(0.9), data, GAMMAS, steps=12, verbose=0)
    assert len({losses[0] for losses in search.losses.values()}) == 1
    assert all(np.isfinite(losses).all() for losses in search.losses.values())


def test_a_model_without_weights_gets_them() -> None:
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(0.01), loss="mse")
    search = find_gamma(model, (X, Y), GAMMAS, STEPS, verbose=0)
    assert len({losses[0] for losses in search.losses.values()}) == 1


def test_table_picture_and_recommendation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    falling = np.linspace(1.0, 0.1, 40)
    broken = np.array([1.0] * 10 + [np.nan] * 30)
    search = GammaSearch({0.0: falling + 1, 0.9: falling, 0.99: broken}, 1.0)
    assert search.recommended == 0.9
    text = str(search)
    assert "diverged in step 10" in text
    assert "Recommended: gamma = 0.9." in text
    search.draw(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > 900
    assert "try larger ones" in GammaSearch({0.5: falling}, 1.0).verdict()
    assert "40 steps are few for it" in GammaSearch({0.97: falling}, 1.0).verdict()
    assert "Every gamma diverged" in GammaSearch({0.9: broken}, 1.0).verdict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gammas": ()}, "Argument `gammas` must have at least one float"),
        ({"gammas": (0.5, 0.5)}, "none twice"),
        ({"gammas": (1.5,)}, "Argument `gammas` must be a float in the range"),
        ({"steps": 0}, "Argument `steps` must be an integer >= 1"),
        ({"data": (np.ones((0, 8)), np.ones(0))}, "at least 1"),
        ({"data": []}, "at least 1"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"data": TRAINING, "verbose": 0, **arguments}
    with pytest.raises(ValueError, match=message):
        find_gamma(model_with(0.9), **given)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has one step an execution"
)
def test_several_steps_in_one_execution_are_refused() -> None:
    model = build_model(optimizer=keras_momentum.Momentum(0.01), steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution=2"):
        find_gamma(model, TRAINING, verbose=0)


def test_a_scheduled_gamma_and_other_optimizers_are_refused() -> None:
    schedule = keras_momentum.schedules.LinearRamp(0.5, 0.9, steps=10)
    model = build_model(optimizer=keras_momentum.Momentum(0.01, momentum=schedule))
    with pytest.raises(TypeError, match="a schedule given as `momentum`"):
        find_gamma(model, TRAINING, verbose=0)
    with pytest.raises(ValueError, match=r"keras_momentum\.Momentum"):
        find_gamma(build_model(optimizer="adam"), TRAINING, verbose=0)
