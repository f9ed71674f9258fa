"""`OvershootGuard`: runs that fail without it, and runs that need no help."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import OvershootGuard
from tests.callbacks import fitting
from tests.callbacks.fitting import compiled, fit, gamma_of, weights_of
from tests.once import once

# A valley ½ Σ λ w² with curvatures λ of 1, 0.1 and 0.01, one update an epoch.
CURVATURES = np.array([1.0, 0.1, 0.01])
VALLEY = np.diag(np.sqrt(CURVATURES * 1.5)).astype(np.float32)
UPDATES = 600


def descend(gamma: float, *callbacks: Any, **arguments: Any) -> keras.Model:
    """`UPDATES` updates down the valley, all in one epoch."""
    model = compiled(keras_momentum.Momentum(0.5, gamma), **arguments)
    x = np.tile(VALLEY, (UPDATES, 1))
    fit(model, *callbacks, x=x, y=np.zeros((len(x), 1)), batch_size=3)
    return model


def height(model: keras.Model) -> float:
    """How far up the valley's side the weights are, where they began at about 1."""
    w = weights_of(model)[:, 0].astype(np.float64)
    return float(np.sum(CURVATURES * w**2) / 2)


def test_too_much_momentum_in_a_valley_fails_without_it_and_not_with_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert height(descend(0.99)) > 1e-4
    rescued = descend(0.99, OvershootGuard())
    assert height(rescued) < 1e-6
    assert gamma_of(rescued) < 0.99
    out = capsys.readouterr().out
    assert "OvershootGuard lowering gamma from 0.99 to 0.9, because the velocity" in out


def test_restarts_alone_rescue_it_too() -> None:
    guard = OvershootGuard(action="restart", window=10, patience=1, verbose=0)
    rescued = descend(0.99, guard)
    assert gamma_of(rescued) == pytest.approx(0.99)
    assert height(rescued) < height(descend(0.99)) / 10


def test_a_healthy_run_is_the_same_bit_for_bit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain, guarded = descend(0.9), descend(0.9, OvershootGuard())
    assert capsys.readouterr().out == ""
    assert height(plain) < 1e-6
    np.testing.assert_array_equal(weights_of(plain), weights_of(guarded))
    assert gamma_of(guarded) == gamma_of(plain)


def test_noise_alone_is_no_overshoot(capsys: pytest.CaptureFixture[str]) -> None:
    # Labels that can't be learnt: nothing is left but the noise of the batches.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 50)).astype(np.float32)
    y = rng.normal(size=(4000, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((50,)), keras.layers.Dense(1)])
    model.compile(keras_momentum.Momentum(0.001, 0.9), "mse")
    model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[OvershootGuard()])
    assert capsys.readouterr().out == ""


def test_a_loss_that_grows_with_the_velocity_is_a_divergence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Above 2 (1 + γ) / λ momentum diverges, with γ = 0 from 2 / λ on.
    guard = OvershootGuard(window=10, min_gamma=0.0, factor=0.5)
    model = compiled(keras_momentum.Momentum(3.9, 0.9))
    x = np.tile(VALLEY, (100, 1))
    fit(model, guard, x=x, y=np.zeros((len(x), 1)), batch_size=3)
    assert "because the loss grew from" in capsys.readouterr().out


def test_windows_go_over_the_ends_of_epochs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # 50 epochs of one update each are the same as one epoch of 50.
    x, y = np.tile(VALLEY, (50, 1)), np.zeros((150, 1))
    fit(
        compiled(keras_momentum.Momentum(0.5, 0.99)),
        OvershootGuard(),
        x=VALLEY,
        y=y[:3],
        batch_size=3,
        epochs=50,
    )
    by_epochs = capsys.readouterr().out
    fit(
        compiled(keras_momentum.Momentum(0.5, 0.99)),
        OvershootGuard(),
        x=x,
        y=y,
        batch_size=3,
    )
    at_once = capsys.readouterr().out
    assert "Epoch 50, batch 1: " in by_epochs
    assert by_epochs.replace("Epoch 50, batch 1:", "Epoch 1, batch 50:") == at_once


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has one step an execution"
)
def test_several_steps_an_execution() -> None:
    guard = OvershootGuard(verbose=0)
    assert height(descend(0.99, guard, steps_per_execution=10)) < 1e-6


def test_a_late_guard_sees_only_what_follows() -> None:
    model = descend(0.9)
    guard = OvershootGuard()
    fit(model, guard, epochs=2)
    assert gamma_of(model) == pytest.approx(0.9)


@pytest.fixture(scope="module")
def fruits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Drawn fruits, prepared."""
    from fruits.config import Config, Data, Network
    from fruits.data import FruitData

    folder = tmp_path_factory.mktemp("data")
    data = Data(
        image_size=32,
        cache_dir=str(folder),
        train_images=2000,
        validation_images=500,
        test_images=1,
    )
    network = Network(width=8, stages=3, dropout=0.0)
    return FruitData(Config(data=data, model=network))


def train_on_fruits(
    fruits: Any, gamma: float, *callbacks: Any, epochs: int = 10
) -> tuple[Any, Any]:
    """Epochs with a learning rate of 0.1; the history and the last weights."""
    keras.utils.set_random_seed(1)
    model = fruits.compiled_model(keras_momentum.Momentum(0.1, gamma))
    history = model.fit(
        fruits.training(seed=1),
        epochs=epochs,
        steps_per_epoch=fruits.steps_per_epoch,
        validation_data=fruits.evaluation()["validation"],
        verbose=0,
        callbacks=list(callbacks),
    )
    return history.history, model.get_weights()


@pytest.mark.slow
@once
def test_a_fruit_classifier_is_rescued(
    fruits: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    failed, _ = train_on_fruits(fruits, 0.999)
    # 16 kinds: no better than after the first epoch, and getting worse.
    assert failed["val_accuracy"][-1] < 0.3
    assert failed["loss"][-1] > failed["loss"][1]
    rescued, _ = train_on_fruits(fruits, 0.999, OvershootGuard())
    assert rescued["val_accuracy"][-1] > failed["val_accuracy"][-1] + 0.1
    assert rescued["loss"][-1] < failed["loss"][-1] - 0.5
    assert "lowering gamma from 0.999 to 0.99," in capsys.readouterr().out


@pytest.mark.slow
@once
def test_a_healthy_fruit_classifier_is_the_same_bit_for_bit(
    fruits: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    _, plain = train_on_fruits(fruits, 0.9, epochs=6)
    _, guarded = train_on_fruits(fruits, 0.9, OvershootGuard(), epochs=6)
    assert capsys.readouterr().out == ""
    for ours, theirs in zip(guarded, plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("action", "stop"),
        ("factor", 1.0),
        ("min_gamma", -0.1),
        ("window", 3),
        ("patience", 0),
        ("max_uphill", 2.0),
        ("verbose", -1),
    ],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        OvershootGuard(**{argument: value})


def test_nothing_but_a_mean_is_needed_of_the_logs() -> None:
    # A model with metrics and without: the loss is that of the epoch so far.
    guard = OvershootGuard(verbose=0)
    model = compiled(keras_momentum.Momentum(0.5, 0.9), metrics=["mae"])
    fit(model, guard, epochs=20)
    assert fitting.gamma_of(model) == pytest.approx(0.9)
