"""`GammaRamp` in `fit`: gamma at every update, and what it refuses."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp
from tests import reference

X, Y = np.ones((12, 3), np.float32), np.ones((12, 1), np.float32)
UPDATES = 3  # an epoch


class Record(keras.callbacks.Callback):
    """Writes down gamma before every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gammas: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        gamma = keras_momentum.callbacks.momentum_optimizers(self.model)[0].gamma
        self.gammas.append(float(keras.ops.convert_to_numpy(gamma)))


def compiled(optimizer: Any, dtype: str = "float32") -> keras.Model:
    layers = [keras.Input((3,)), keras.layers.Dense(1, dtype=dtype)]
    model = keras.Sequential(layers)
    model.compile(optimizer, "mse")
    return model


def gammas_in_fit(model: keras.Model, ramp: GammaRamp, **arguments: Any) -> list[float]:
    record = Record()
    data = {"x": X, "y": Y, "batch_size": 4, "verbose": 0} | arguments
    model.fit(**data, callbacks=[ramp, record])
    return record.gammas


def expected(begin: int, steps: int, updates: range) -> Any:
    values = [reference.linear_ramp(t - begin, 0.2, 0.8, steps) for t in updates]
    return pytest.approx(values, rel=1e-6)


def test_length_comes_from_fit() -> None:
    model = compiled(keras_momentum.Momentum(0.01))
    gammas = gammas_in_fit(model, GammaRamp(0.2, 0.8), epochs=4)
    assert gammas == expected(0, 12, range(12))
    assert float(model.optimizer.gamma) == pytest.approx(0.8)


def test_begin_and_length_in_epochs() -> None:
    model = compiled(keras_momentum.Momentum(0.01))
    ramp = GammaRamp(0.2, 0.8, epochs=2, begin_epoch=1)
    assert gammas_in_fit(model, ramp, epochs=5) == expected(3, 6, range(15))


def test_each_fit_has_a_ramp_of_its_own() -> None:
    model = compiled(keras_momentum.Momentum(0.01))
    for _ in range(2):
        gammas = gammas_in_fit(model, GammaRamp(0.2, 0.8), epochs=2)
        assert gammas == expected(0, 6, range(6))


def test_resumed_run_goes_on_in_mid_ramp(tmp_path: Path) -> None:
    model = compiled(keras_momentum.Momentum(0.01))
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1)
    )
    model.fit(
        X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[GammaRamp(0.2, 0.8), stop]
    )
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    ramp = GammaRamp(0.2, 0.8)
    gammas = gammas_in_fit(restored, ramp, epochs=5, initial_epoch=2)
    assert gammas == expected(0, 15, range(6, 15))


def test_a_fit_that_goes_on_within_an_epoch_goes_on_with_the_ramp() -> None:
    class Within(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.params["batches_done"] = 1 if epoch == 0 else 0

    model = compiled(keras_momentum.Momentum(0.01))
    model.train_on_batch(X[:4], Y[:4])
    record = Record()
    callbacks = [Within(), GammaRamp(0.2, 0.8), record]
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=callbacks)
    assert record.gammas == expected(0, 6, range(1, 7))


def test_gradient_accumulation_counts_updates() -> None:
    model = compiled(keras_momentum.Momentum(0.01, gradient_accumulation_steps=3))
    gammas = gammas_in_fit(model, GammaRamp(0.2, 0.8), epochs=4)
    assert gammas[::3] == expected(0, 4, range(4))


def test_unknown_length_moves_gamma_by_epochs() -> None:
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    batches = batches.filter(lambda x, y: True)  # its length is unknown from here on
    model = compiled(keras_momentum.Momentum(0.01))
    gammas = {}

    class RecordEpochs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            gammas[epoch] = float(
                keras.ops.convert_to_numpy(self.model.optimizer.gamma)
            )

    with pytest.warns(UserWarning, match="once an epoch"):
        model.fit(
            batches,
            epochs=3,
            verbose=0,
            callbacks=[GammaRamp(0.2, 0.8), RecordEpochs()],
        )
    assert gammas == pytest.approx({0: 0.2, 1: 0.4, 2: 0.6})


def test_optimizer_inside_loss_scaling_is_found() -> None:
    inner = keras_momentum.Momentum(0.01)
    model = compiled(keras.optimizers.LossScaleOptimizer(inner))
    gammas_in_fit(model, GammaRamp(0.2, 0.8), epochs=2)
    assert float(inner.gamma) == pytest.approx(0.8)


def test_optimizer_without_gamma_is_refused() -> None:
    with pytest.raises(ValueError, match="keras_momentum"):
        gammas_in_fit(compiled(keras.optimizers.SGD(0.01)), GammaRamp())


def test_gamma_that_a_schedule_decides_is_refused() -> None:
    schedule = keras_momentum.schedules.LinearRamp(steps=5)
    model = compiled(keras_momentum.Momentum(0.01, schedule))
    with pytest.raises(TypeError, match="schedule"):
        gammas_in_fit(model, GammaRamp())


@pytest.mark.parametrize(
    ("argument", "value"),
    [("initial", 1.2), ("final", 1), ("epochs", 0), ("begin_epoch", -1)],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        GammaRamp(**{argument: value})


def test_ramp_after_the_last_epoch_is_refused() -> None:
    model = compiled(keras_momentum.Momentum(0.01))
    with pytest.raises(ValueError, match="begin_epoch=4"):
        gammas_in_fit(model, GammaRamp(begin_epoch=4), epochs=3)
