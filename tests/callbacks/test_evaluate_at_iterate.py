"""`EvaluateAtIterate`: θ where a model is judged or kept, φ where it is trained."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import EvaluateAtIterate
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit, weights_of

GAMMA, EPOCHS = 0.9, 4
VALIDATION = (fitting.X[:7], fitting.Y[:7])


def nag(**arguments: Any) -> keras_momentum.NAG:
    return keras_momentum.NAG(RATE, momentum=GAMMA, **arguments)


def points(updates: int) -> tuple[np.ndarray, np.ndarray]:
    """φ and θ of the formula in float64."""
    gradients: list[np.ndarray] = []
    phi = theta = fitting.WEIGHTS.astype(np.float64)
    for t in range(updates):
        gradients.append(fitting.gradient(t, phi))
        n = len(gradients)
        none = np.zeros(n + 1, bool)
        phi, theta = reference.nag(
            fitting.WEIGHTS.astype(np.float64),
            np.array(gradients),
            np.full(n, RATE),
            np.full(n + 1, GAMMA),
            none,
            none,
        )
    return phi, theta


def loss_at(weights: np.ndarray) -> float:
    x, y = VALIDATION
    return float(np.mean((x @ weights - y) ** 2))


class Keep(keras.callbacks.Callback):
    """Keeps the weights at some events, as a checkpoint would."""

    def __init__(self) -> None:
        super().__init__()
        self.begins: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.begins.append(weights_of(self.model))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ends.append(weights_of(self.model))


@pytest.mark.parametrize("validated", [True, False])
def test_training_goes_on_bit_for_bit_as_without_it(validated: bool) -> None:
    arguments: dict[str, Any] = {"epochs": EPOCHS}
    if validated:
        arguments["validation_data"] = VALIDATION
    plain, swapped = Keep(), Keep()
    fit(compiled(nag()), plain, **arguments)
    fit(compiled(nag()), EvaluateAtIterate(), swapped, **arguments)
    np.testing.assert_array_equal(plain.begins, swapped.begins)


def test_validation_and_checkpoints_and_the_final_model_hold_the_iterate(
    tmp_path: Path,
) -> None:
    model = compiled(nag())
    keep, file = Keep(), tmp_path / "{epoch}.weights.h5"
    history = fit(
        model,
        EvaluateAtIterate(),
        keep,
        keras.callbacks.ModelCheckpoint(file, save_weights_only=True),
        epochs=EPOCHS,
        validation_data=VALIDATION,
    ).history
    for epoch in range(EPOCHS):
        phi, theta = points((epoch + 1) * BATCHES)
        assert np.abs(phi - theta).max() > 1e-3
        assert history["val_loss"][epoch] == pytest.approx(loss_at(theta), rel=1e-4)
        np.testing.assert_allclose(keep.ends[epoch], theta, rtol=1e-4)
        other = compiled(nag())
        other.load_weights(str(file).format(epoch=epoch + 1))
        np.testing.assert_array_equal(weights_of(other), keep.ends[epoch])
    np.testing.assert_allclose(weights_of(model), theta, rtol=1e-4)


def test_a_checkpoint_goes_on_from_its_iterate(tmp_path: Path) -> None:
    model = compiled(nag())
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    fit(model, EvaluateAtIterate(), checkpoint, epochs=1)
    restored = keras.saving.load_model(tmp_path / "model.keras")
    _, theta = points(BATCHES)
    (weight,) = restored.trainable_variables
    # θ is θ: nothing is added to it a second time.
    iterate = keras.ops.convert_to_numpy(restored.optimizer.iterate(weight))
    np.testing.assert_allclose(iterate, theta, rtol=1e-4)
    velocity = keras.ops.convert_to_numpy(restored.optimizer.velocity(weight))
    assert np.abs(velocity).max() > 0


def test_early_stopping_gives_back_the_best_iterate() -> None:
    model = compiled(nag())
    keep = Keep()
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", patience=1, mode="max", restore_best_weights=True
    )
    callbacks = (EvaluateAtIterate(), keep, stopping)
    fit(model, *callbacks, epochs=9, validation_data=VALIDATION)
    assert len(keep.ends) < 9
    _, theta = points(BATCHES * (stopping.best_epoch + 1))
    np.testing.assert_allclose(weights_of(model), theta, rtol=1e-4)


def test_a_restored_run_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    for crash in (True, False):
        model = compiled(nag())
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        callbacks: list[Any] = [backup, EvaluateAtIterate()]
        if crash:
            with pytest.raises(fitting.CrashError):
                fit(model, *callbacks, fitting.CrashBefore(2), epochs=EPOCHS)
        else:
            fit(model, *callbacks, epochs=EPOCHS)
    _, theta = points(EPOCHS * BATCHES)
    np.testing.assert_allclose(weights_of(model), theta, rtol=1e-4)


def test_evaluate_and_predict_by_themselves() -> None:
    model = compiled(nag())
    fit(model, epochs=1)
    phi, theta = points(BATCHES)
    before = weights_of(model)
    x, y = VALIDATION
    callbacks = [EvaluateAtIterate()]
    loss = model.evaluate(x, y, verbose=0, callbacks=callbacks)
    assert loss == pytest.approx(loss_at(theta), rel=1e-4)
    predicted = model.predict(x, verbose=0, callbacks=callbacks)
    np.testing.assert_allclose(predicted, x @ theta, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(weights_of(model), before)
    np.testing.assert_allclose(before, phi, rtol=1e-4)


def test_other_optimizers_are_refused() -> None:
    for optimizer in (keras_momentum.Momentum(RATE), keras.optimizers.SGD(RATE)):
        with pytest.raises(ValueError, match=r"keras_momentum.*Received"):
            fit(compiled(optimizer), EvaluateAtIterate(), epochs=1)


def test_inside_loss_scaling() -> None:
    inner = nag()
    model = compiled(keras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0))
    history = fit(model, EvaluateAtIterate(), epochs=2, validation_data=VALIDATION)
    _, theta = points(2 * BATCHES)
    expected = pytest.approx(loss_at(theta), rel=1e-4)
    assert history.history["val_loss"][-1] == expected
