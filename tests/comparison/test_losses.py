"""The loss of a batch is what it is, whatever `fit` logs."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum.comparison._losses import LossOfBatch

SIZES = [32, 32, 5, 32, 7]
LOSSES = {
    "alike": [2.0, 1.9, 2.1, 1.8, 1.7],
    "a spike": [2.0, 1e9, 2.1, 1.8, 1.7],
    "falling to nothing": [2.0, 1e-3, 1e-6, 1e-9, 1e-12],
    "zeros": [1.0, 0.0, 0.0, 1.0, 0.0],
    "negative": [-1.0, 1.0, -2.0, 0.5, -0.5],
}


class LogsEach(keras.Model):
    """Logs the loss of the batch, and no mean."""

    def train_step(self, *args: Any) -> Any:
        raise NotImplementedError


class OtherMetrics(keras.Model):
    @property
    def metrics(self) -> list[Any]:
        return []


@pytest.mark.parametrize("losses", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("kind", [keras.Model, LogsEach, OtherMetrics])
def test_each_batch_has_its_own_loss(kind: Any, losses: list[float]) -> None:
    found = LossOfBatch(SIZES, kind())
    got = []
    mean = np.float32(0.0)
    samples = 0
    for batch, (size, loss) in enumerate(zip(SIZES, losses, strict=True)):
        if found.begins_anew:
            mean, samples = np.float32(0.0), 0
        # As `keras.metrics.Mean` does, or as a step that has no metric.
        total = mean * samples + loss * size
        samples += size
        mean = np.float32(total / samples)
        got.append(found.of(batch, float(loss if kind is LogsEach else mean)))
    np.testing.assert_allclose(got, losses, rtol=1e-3, atol=1e-30)


def test_the_metrics_are_seldom_reset() -> None:
    found = LossOfBatch([32] * 100, keras.Model())
    resets = 0
    for batch in range(100):
        resets += found.begins_anew
        found.of(batch, 1.0)
    assert resets == 1
