"""`Ramp` and `Scheduler` of a hyper-parameter that is several numbers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum._hyperparameters import Moving, MovingVector
from keras_momentum.callbacks import MomentumMonitor, Ramp, Scheduler
from keras_momentum.callbacks._movable import present
from keras_momentum.optimizers import MomentumOptimizer
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit

EPOCHS = 4


class Mixed(MomentumOptimizer):
    """Velocity and gradient in shares that move; and a name that no other class has."""

    slots = ("velocity",)
    weights = MovingVector("[0, 1]", "The share of each.")
    strength = force = Moving("[0, inf)", "What gradients are multiplied by.")

    def __init__(self, weights: Any = (0.5, 0.5), strength: Any = 1.0, **kwargs: Any):
        others = {"weights": weights, "strength": strength}
        super().__init__(RATE, 0.5, others, **kwargs)

    def update(self, gradient: Any, slots: Any, step: Any) -> Any:
        change = step.learning_rate * step.strength * gradient
        velocity = step.gamma * slots.velocity + change
        mean = step.weights_0 * velocity + step.weights_1 * change
        return mean, {"velocity": velocity}


def expected_of_mixed(weights: np.ndarray) -> np.ndarray:
    theta, v = fitting.WEIGHTS.astype(np.float64), np.zeros((3, 1))
    for t, (one, other) in enumerate(weights):
        change = RATE * fitting.gradient(t, theta)
        v = 0.5 * v + change
        theta = theta - one * v - other * change
    return theta


def lines(t: np.ndarray, steps: int) -> np.ndarray:
    """From (1, 0) to (¼, ½)."""
    tau = np.minimum(t / steps, 1)[:, np.newaxis]
    return (1 - tau) * np.array([1.0, 0.0]) + tau * np.array([0.25, 0.5])


class Lines(keras.optimizers.schedules.LearningRateSchedule):
    """The same as a schedule."""

    def __init__(self, steps: int):
        self.steps = steps

    def __call__(self, step: Any) -> Any:
        tau = keras.ops.minimum(keras.ops.cast(step, "float32") / self.steps, 1.0)
        return keras.ops.stack([1.0 - 0.75 * tau, 0.5 * tau])

    def get_config(self) -> dict[str, Any]:
        return {"steps": self.steps}


T = np.arange(EPOCHS * BATCHES)
SEVERAL: dict[str, tuple[Callable[[], Any], np.ndarray]] = {
    "ramp": (
        lambda: Ramp("weights", (1.0, 0.0), [0.25, 0.5]),
        lines(T, EPOCHS * BATCHES),
    ),
    "ramp of arrays": (
        lambda: Ramp("weights", np.array([1.0, 0.0]), np.array([0.25, 0.5])),
        lines(T, EPOCHS * BATCHES),
    ),
    "schedule of the update": (
        lambda: Scheduler("weights", Lines(7), unit="step"),
        lines(T, 7),
    ),
    "schedule of the epoch": (
        lambda: Scheduler("weights", Lines(3)),
        lines(T // BATCHES, 3),
    ),
    "function of the epoch": (
        lambda: Scheduler("weights", lambda epoch, w: (w[0] / 2, w[1] / 2)),
        0.25 * 0.5 ** (T // BATCHES)[:, np.newaxis] * np.ones(2),
    ),
    "function of the update": (
        lambda: Scheduler("weights", lambda step, w: [0.5, w[1] / 2], unit="step"),
        np.stack([0.5 + 0 * T, 0.25 * 0.5**T], axis=1),
    ),
}


@pytest.mark.parametrize(("make", "weights"), SEVERAL.values(), ids=SEVERAL)
def test_several_numbers_move_together(
    make: Callable[[], Any], weights: np.ndarray
) -> None:
    model = compiled(Mixed())
    history = fit(model, make(), MomentumMonitor(), epochs=EPOCHS).history
    np.testing.assert_allclose(
        fitting.weights_of(model), expected_of_mixed(weights), rtol=2e-5, atol=1e-6
    )
    assert {"weights_0", "weights_1"} < history.keys()
    assert history["weights_1"][-1] == pytest.approx(
        present(model.optimizer, "weights")[1]
    )


def test_several_numbers_move_once_an_epoch_where_the_length_is_unknown() -> None:
    model = compiled(Mixed())
    ramp = Ramp("weights", (1.0, 0.0), (0.25, 0.5), epochs=3)
    with pytest.warns(UserWarning, match="moves weights once an epoch"):
        fit(model, ramp, **fitting.unknown_length(), epochs=EPOCHS)
    expected = expected_of_mixed(lines(T // BATCHES, 3))
    np.testing.assert_allclose(fitting.weights_of(model), expected, rtol=2e-5)


def test_weights_of_a_mixture_are_not_those_of_the_model() -> None:
    model = compiled(Mixed(use_ema=True))
    ramp = Ramp("weights", (0.5, 0.5), (0.25, 0.5))
    fit(model, ramp, keras.callbacks.SwapEMAWeights(), epochs=2)
    assert present(model.optimizer, "weights") == [0.25, 0.5]
