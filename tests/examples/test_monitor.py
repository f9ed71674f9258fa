"""How fast a training is, as its logs say."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

import keras_momentum
from fruits.monitor import Monitor
from tests.once import once

pytestmark = once


@pytest.mark.parametrize(
    ("passed", "batches", "expected"),
    [
        (0, 10, 10 * 8 / 2),
        # Batches that are passed by, as a run goes on behind them, cost no time.
        (7, 10, 3 * 8 / 2),
        # It goes on with the validation.
        (10, 10, math.nan),
        # A loss that is not a number ends an epoch.
        (0, 4, 4 * 8 / 2),
    ],
)
def test_pictures_a_second_are_those_of_the_training_alone(
    passed: int, batches: int, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The epoch begins, ends its training after 2 s, and its validation after 5 s.
    clock = iter([10.0, 12.0, 15.0])
    monkeypatch.setattr("fruits.monitor.time.perf_counter", lambda: next(clock))
    wait = SimpleNamespace(seconds=3.0)
    callback = Monitor(wait, batch_size=8)  # type: ignore[arg-type]
    callback.set_model(
        SimpleNamespace(optimizer=keras_momentum.Momentum(0.1), metrics_variables=[])
    )
    callback.set_params({"batches_done": passed} if passed else {})
    logs: dict[str, Any] = {}
    callback.on_epoch_begin(0)
    wait.seconds = 4.0
    for batch in range(batches):
        callback.on_train_batch_end(batch)
    callback.on_test_begin()
    callback.on_epoch_end(0, logs)
    assert logs["pictures_per_second"] == pytest.approx(expected, nan_ok=True)
    assert logs["data_wait"] == pytest.approx(1 / 5)
