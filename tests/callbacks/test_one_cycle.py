"""`OneCycle` step by step beside torch's OneCycleLR, and what it refuses."""

from typing import Any

import keras
import pytest

import keras_momentum
from keras_momentum.callbacks import OneCycle
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit
from tests.torch_one_cycle import one_cycle_of_torch

EPOCHS = 5


class Record(keras.callbacks.Callback):
    """Writes down both before every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.gammas: list[float] = []
        self.rates: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.gammas.append(fitting.gamma_of(self.model))
        rate = self.model.optimizer.learning_rate
        self.rates.append(float(keras.ops.convert_to_numpy(rate)))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        (
            {
                "initial_learning_rate": 0.02,
                "final_learning_rate": 1e-4,
                "max_gamma": 0.9,
                "min_gamma": 0.5,
                "warmup": 0.45,
            },
            {
                "div_factor": 5,
                "final_div_factor": 200,
                "max_momentum": 0.9,
                "base_momentum": 0.5,
                "pct_start": 0.45,
            },
        ),
    ],
)
@pytest.mark.parametrize("optimizer", [keras_momentum.NAG, keras_momentum.MomentumAdam])
def test_learning_rate_and_gamma_are_those_of_torch(
    optimizer: Any, ours: Any, theirs: Any
) -> None:
    gammas, rates = one_cycle_of_torch(EPOCHS * BATCHES, max_lr=0.1, **theirs)
    record = Record()
    model = compiled(optimizer(RATE, 0.5))
    history = fit(model, OneCycle(0.1, **ours), record, epochs=EPOCHS).history
    assert record.gammas == pytest.approx(gammas, abs=2e-7)
    assert record.rates == pytest.approx(rates, rel=1e-5)
    # The logs of an epoch show the values of the next update, the last ones stay.
    assert history["learning_rate"][:-1] == record.rates[BATCHES::BATCHES]
    assert history["gamma"][-1] == pytest.approx(gammas[-1])


def test_a_cycle_shorter_than_fit_ends_early() -> None:
    gammas, rates = one_cycle_of_torch(EPOCHS * BATCHES, max_lr=0.1)
    record = Record()
    model = compiled(keras_momentum.Momentum(RATE))
    fit(model, OneCycle(0.1, epochs=EPOCHS), record, epochs=EPOCHS + 2)
    more = [gammas[-1]] * 2 * BATCHES, [rates[-1]] * 2 * BATCHES
    assert record.gammas == pytest.approx(gammas + more[0], abs=2e-7)
    assert record.rates == pytest.approx(rates + more[1], rel=1e-5)


@pytest.mark.parametrize("warmup", [0.0, 0.05, 1.0])
def test_a_half_without_a_length(warmup: float) -> None:
    # Up to one update of warmup, or nothing after it.
    record = Record()
    model = compiled(keras_momentum.Momentum(RATE))
    fit(model, OneCycle(0.1, warmup=warmup), record, epochs=EPOCHS)
    first, last = (0.1 / 25, 0.1 / 25e4) if warmup == 1.0 else (0.1, 0.1 / 25e4)
    assert record.rates[0] == pytest.approx(first)
    assert record.rates[-1] == pytest.approx(last)


def test_a_single_update() -> None:
    model = compiled(keras_momentum.Momentum(RATE))
    fit(model, OneCycle(0.1), batch_size=fitting.SAMPLES, epochs=1)
    assert fitting.gamma_of(model) == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("max_learning_rate", 0.0),
        ("initial_learning_rate", -1.0),
        ("final_learning_rate", "0"),
        ("max_gamma", 1.5),
        ("min_gamma", 0.99),
        ("warmup", 2.0),
        ("epochs", 0),
    ],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    arguments = {"max_learning_rate": 0.1, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        OneCycle(**arguments)
