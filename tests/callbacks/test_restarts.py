"""`MomentumRestart` and `RestartOnPlateau`: the velocity starts from zero."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import MomentumRestart, RestartOnPlateau
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit, weights_of

GAMMA, EPOCHS = 0.9, 6


def check(model: keras.Model, gammas: list[float]) -> None:
    expected = fitting.expected_weights(gammas)
    np.testing.assert_allclose(weights_of(model), expected, rtol=2e-5, atol=1e-6)


def test_restart_every_k_updates_and_only_in_this_fit() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    fit(model, MomentumRestart(5), epochs=EPOCHS)
    updates = EPOCHS * BATCHES
    gammas = reference.restarted([GAMMA] * updates, every=5)
    check(model, gammas)
    fit(model, epochs=2)
    check(model, gammas + [GAMMA] * 2 * BATCHES)


def test_restart_every_k_epochs() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    fit(model, MomentumRestart(2, unit="epoch"), epochs=EPOCHS)
    at = [epoch * BATCHES for epoch in (2, 4)]
    check(model, reference.restarted([GAMMA] * EPOCHS * BATCHES, at=at))


def test_restarts_go_with_a_schedule_that_begins_again() -> None:
    # Scheduled Restart SGD.
    schedule = keras_momentum.schedules.NesterovSequence()
    model = compiled(keras_momentum.Momentum(RATE, schedule, schedule_restarts=True))
    fit(model, MomentumRestart(7), epochs=EPOCHS)
    gammas = [(t % 7) / (t % 7 + 3) for t in range(EPOCHS * BATCHES)]
    check(model, gammas)


def whole_batch(model: keras.Model, *callbacks: Any, epochs: int) -> Any:
    """One update an epoch, as deterministic as the theory has it."""
    return fit(model, *callbacks, batch_size=fitting.SAMPLES, epochs=epochs)


def function_value_scheme(epochs: int) -> tuple[np.ndarray, list[int]]:
    """O'Donoghue and Candès: a restart after f(w_k) > f(w_{k-1}); w, and where."""
    x, y = fitting.X.astype(np.float64), fitting.Y.astype(np.float64)
    w, v = fitting.WEIGHTS.astype(np.float64), np.zeros((3, 1))
    losses, restarts, is_restart = [], [], False
    for t in range(epochs):
        losses.append(np.mean((x @ w - y) ** 2))
        restart, is_restart = is_restart, t > 0 and losses[t] > losses[t - 1]
        if restart:
            restarts.append(t)
        g = 2 / fitting.SAMPLES * x.T @ (x @ w - y)
        v = (0.0 if restart else 0.97) * v + RATE * g
        w = w - v
    return w, restarts


def test_restart_on_plateau_is_the_function_value_scheme() -> None:
    epochs = 60
    expected, restarts = function_value_scheme(epochs)
    assert len(restarts) >= 2
    model = compiled(keras_momentum.Momentum(RATE, 0.97))
    plateau = RestartOnPlateau("loss", patience=1, min_delta=0.0)
    whole_batch(model, plateau, epochs=epochs)
    np.testing.assert_allclose(weights_of(model), expected, rtol=1e-4)


def test_restart_on_plateau_waits_and_cools_down(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = compiled(keras_momentum.Momentum(1e-6, GAMMA))  # It does not improve.
    plateau = RestartOnPlateau("loss", patience=2, min_delta=1.0, cooldown=2, verbose=1)
    whole_batch(model, plateau, epochs=10)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    # The first epoch is the best one; then 2 without an improvement, 2 to cool down.
    assert lines == [
        f"Epoch {epoch}: RestartOnPlateau setting velocity to 0." for epoch in (3, 6, 9)
    ]


def test_restart_on_plateau_of_what_should_grow() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    with pytest.raises(ValueError, match='`mode` must be "auto", "min" or "max"'):
        RestartOnPlateau(mode="up")
    plateau = RestartOnPlateau("loss", patience=1, mode="max", min_delta=0.0)
    whole_batch(model, plateau, epochs=4)
    # The loss falls, so that each epoch but the first is worse than the one before.
    x, y = fitting.X.astype(np.float64), fitting.Y.astype(np.float64)
    w, v = fitting.WEIGHTS.astype(np.float64), np.zeros((3, 1))
    for gamma in (0.0, GAMMA, 0.0, 0.0):
        v = gamma * v + RATE * 2 / fitting.SAMPLES * x.T @ (x @ w - y)
        w = w - v
    np.testing.assert_allclose(weights_of(model), w, rtol=1e-5)


def test_restart_on_plateau_says_which_metric_is_missing() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    with pytest.warns(UserWarning, match="`val_loss`.*Available metrics are: loss"):
        fit(model, RestartOnPlateau(), epochs=1)


@pytest.mark.parametrize(
    ("callback", "argument", "value"),
    [
        (MomentumRestart, "every", 0),
        (MomentumRestart, "unit", "batch"),
        (RestartOnPlateau, "patience", 0),
        (RestartOnPlateau, "cooldown", -1),
        (RestartOnPlateau, "min_delta", "small"),
    ],
)
def test_wrong_arguments_are_named(callback: Any, argument: str, value: Any) -> None:
    arguments = {argument: value}
    if callback is MomentumRestart:
        arguments = {"every": 5, **arguments}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        callback(**arguments)
