"""`MomentumMonitor`: what it measures, and where it is shown."""

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import MomentumMonitor
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit

GAMMA, EPOCHS = 0.9, 3
NAMES = {
    "gamma",
    "learning_rate",
    "effective_learning_rate",
    "velocity_norm",
    "update_ratio",
    "cosine",
    "restarts",
    "skipped_steps",
}


def measures(update: int, every: int | None = None) -> dict[str, float]:
    """What an update is, in float64."""
    gammas = reference.restarted([GAMMA] * (update + 1), every=every)
    thetas, velocities = reference.momentum(
        fitting.WEIGHTS, fitting.gradient, [RATE] * len(gammas), gammas
    )
    g, v = fitting.gradient(update, thetas[update]), velocities[update]
    norm = np.linalg.norm
    return {
        "velocity_norm": float(norm(v)),
        "update_ratio": float(norm(v) / norm(thetas[update])),
        "cosine": float(np.sum(g * v) / norm(g) / norm(v)),
        "restarts": float(gammas.count(0.0)),
    }


@pytest.mark.parametrize("arguments", [{}, {"jit_compile": True}])
def test_values_of_each_epoch(arguments: dict[str, Any]) -> None:
    if arguments and keras.backend.backend() == "torch":
        pytest.skip("torch does not compile the step")
    optimizer = keras_momentum.Momentum(RATE, GAMMA, restart_every=3)
    model = compiled(optimizer, **arguments)
    history = fit(model, MomentumMonitor(), epochs=EPOCHS).history
    assert history.keys() >= NAMES
    for epoch in range(EPOCHS):
        # The last update is seen: fewer than 100 fit into an epoch.
        for name, value in measures(BATCHES * (epoch + 1) - 1, every=3).items():
            assert history[name][epoch] == pytest.approx(value, rel=1e-4), name
    assert history["gamma"] == pytest.approx([GAMMA] * EPOCHS)
    assert history["learning_rate"] == pytest.approx([RATE] * EPOCHS)
    assert history["effective_learning_rate"] == pytest.approx([RATE * 10] * EPOCHS)


def test_an_average_is_not_amplified() -> None:
    model = compiled(keras_momentum.MomentumAdam(RATE, 0.99))
    history = fit(model, MomentumMonitor(), epochs=1).history
    assert history["effective_learning_rate"] == pytest.approx([RATE])


class KeepLogs(keras.callbacks.Callback):
    """Keeps the logs of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, Any]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.logs.append(dict(logs))


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_batches_show_the_last_measured_update(steps_per_execution: int) -> None:
    if steps_per_execution > 1 and keras.backend.backend() == "torch":
        pytest.skip("torch has one step an execution")
    model = compiled(
        keras_momentum.Momentum(RATE, GAMMA), steps_per_execution=steps_per_execution
    )
    keep = KeepLogs()
    fit(model, MomentumMonitor(every_n_steps=2), keep, epochs=1)
    shown = [logs.get("velocity_norm") for logs in keep.logs]
    second = pytest.approx(measures(1)["velocity_norm"], rel=1e-4)
    assert shown == (
        [None, None, second, second] if steps_per_execution == 1 else [None, second]
    )


def test_accumulated_gradients_are_measured_at_updates() -> None:
    model = compiled(
        keras_momentum.Momentum(RATE, GAMMA, gradient_accumulation_steps=2)
    )
    history = fit(model, MomentumMonitor(), epochs=EPOCHS).history
    _, velocities = reference.momentum(
        fitting.WEIGHTS,
        lambda t, theta: fitting.gradient(t, theta, batches=2),
        [RATE] * 2 * EPOCHS,
        [GAMMA] * 2 * EPOCHS,
    )
    norms = [float(np.linalg.norm(v)) for v in velocities[1::2]]
    assert history["velocity_norm"] == pytest.approx(norms, rel=1e-4)


def test_a_trained_model_can_be_monitored_later() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    fit(model, epochs=1)
    history = fit(model, MomentumMonitor(), epochs=1).history
    expected = measures(2 * BATCHES - 1)["cosine"]
    assert history["cosine"] == pytest.approx([expected], rel=1e-4)


def test_a_step_of_the_models_own_is_measured_and_kept() -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    calls, original = [], model.train_step

    def train_step(*arguments: Any) -> Any:
        calls.append(1)
        return original(*arguments)

    model.train_step = train_step
    history = fit(model, MomentumMonitor(), epochs=1).history
    expected = measures(BATCHES - 1)["cosine"]
    assert history["cosine"] == pytest.approx([expected], rel=1e-4)
    assert calls
    assert model.train_step is train_step


def test_training_is_the_same_with_and_without_it() -> None:
    plain, monitored = (
        compiled(keras_momentum.NAG(RATE, GAMMA, restart_when="gradient"))
        for _ in range(2)
    )
    fit(plain, epochs=EPOCHS)
    fit(monitored, MomentumMonitor(every_n_steps=1), epochs=EPOCHS)
    np.testing.assert_array_equal(
        fitting.weights_of(plain), fitting.weights_of(monitored)
    )


def test_skipped_steps_are_counted() -> None:
    x = fitting.X.copy()
    x[5] = np.nan
    model = compiled(keras_momentum.Momentum(RATE, GAMMA, skip_nonfinite=True))
    history = fit(model, MomentumMonitor(), x=x, epochs=2).history
    assert history["skipped_steps"] == [1, 2]


def test_each_optimizer_of_several_has_its_own_values() -> None:
    first = keras_momentum.Momentum(RATE, GAMMA, name="first")
    second = keras_momentum.NAG(RATE, GAMMA, name="second")
    model = fitting.compiled_with_both(first, second)
    history = fit(model, MomentumMonitor(), epochs=1).history
    assert history["cosine_first"] != history["cosine_second"]
    assert history["effective_learning_rate_second"] == pytest.approx([RATE * 10])


def test_csv_logger_after_it_writes_the_values(tmp_path: Path) -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    logger = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = fit(
        model,
        MomentumMonitor(),
        logger,
        epochs=EPOCHS,
        validation_data=(fitting.X, fitting.Y),
    ).history
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [float(row["cosine"]) for row in rows] == history["cosine"]
    assert {"val_loss", *NAMES} <= rows[0].keys()


@pytest.mark.parametrize(
    ("argument", "value"),
    [("every_n_steps", 0), ("per_layer", 1), ("log_dir", None)],
)
def test_wrong_arguments_are_named(argument: str, value: Any) -> None:
    arguments = {"log_dir": "logs", "histograms": True, argument: value}
    with pytest.raises(ValueError, match=f"`{argument}`.*Received"):
        MomentumMonitor(**arguments)
