"""Callbacks that move whatever an optimizer has, and the weights in float64.

Each update has its own learning rate, weight decay, β₂, ρ and ε.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

import keras_momentum
from keras_momentum.callbacks import Ramp, Scheduler
from keras_momentum.schedules import LinearRamp
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import RATE

GAMMA = 0.5
Slots = dict[str, Any]
Coefficients = Mapping[str, float]


def momentum(g: np.ndarray, slots: Slots, c: Coefficients) -> np.ndarray:
    """What `Momentum` subtracts: v = γ v + η g."""
    slots["v"] = GAMMA * slots.get("v", 0.0) + c["learning_rate"] * g
    return np.asarray(slots["v"])


def adam(g: np.ndarray, slots: Slots, c: Coefficients) -> np.ndarray:
    """What `MomentumAdam` subtracts; bias is corrected by the products of β₁ and β₂."""
    b = c["beta_2"]
    slots["m"] = GAMMA * slots.get("m", 0.0) + (1 - GAMMA) * g
    slots["s"] = b * slots.get("s", 0.0) + (1 - b) * g**2
    slots["p"], slots["q"] = GAMMA * slots.get("p", 1.0), b * slots.get("q", 1.0)
    root = np.sqrt(slots["s"] / (1 - slots["q"]))
    mean = slots["m"] / (1 - slots["p"])
    return np.asarray(c["learning_rate"] * mean / (root + c["epsilon"]))


def rmsprop(g: np.ndarray, slots: Slots, c: Coefficients) -> np.ndarray:
    """What `MomentumRMSprop` subtracts: v = γ v + η g / √(s + ε)."""
    slots["s"] = c["rho"] * slots.get("s", 0.0) + (1 - c["rho"]) * g**2
    scaled = g / np.sqrt(slots["s"] + c["epsilon"])
    slots["v"] = GAMMA * slots.get("v", 0.0) + c["learning_rate"] * scaled
    return np.asarray(slots["v"])


@dataclasses.dataclass(frozen=True)
class Moved:
    """A hyper-parameter, and what moves it.

    Attributes:
        optimizer: Makes the optimizer.
        subtracted: What an update subtracts from the weights, beside the decay.
        initial: Where it begins.
        final: Where it ends.
    """

    optimizer: Callable[..., keras_momentum.optimizers.MomentumOptimizer]
    subtracted: Callable[[np.ndarray, Slots, Coefficients], np.ndarray]
    initial: float
    final: float

    def value(self, t: float, steps: float) -> float:
        return reference.linear_ramp(t, self.initial, self.final, steps)

    def make(self, way: str, name: str) -> keras.callbacks.Callback:
        """A callback that moves it in one of the `WAYS`."""
        if way == "ramp":
            return Ramp(name, self.initial, self.final)
        steps = STEPS if way == "schedule of the update" else 3
        schedule = LinearRamp(self.initial, self.final, steps=steps)
        if way == "schedule of the update":
            return Scheduler(name, schedule, unit="step")
        if way == "schedule of the epoch":
            return Scheduler(name, schedule)
        return Scheduler(name, lambda epoch, _: self.value(epoch, 3))

    def values(self, way: str, updates: int, u: float, n: int) -> list[float]:
        """One for each update, where an epoch has `u` of them and `fit` `n` epochs."""
        if way == "ramp":
            return [self.value(t, n * u) for t in range(updates)]
        if way == "schedule of the update":
            return [self.value(t, STEPS) for t in range(updates)]
        return [self.value(t // u, 3) for t in range(updates)]

    def weights(self, name: str, values: list[float], batches: int = 1) -> np.ndarray:
        """Where the weights come to in float64."""
        fixed = {"learning_rate": RATE, "weight_decay": 0.0, "beta_2": 0.9}
        fixed |= {"rho": 0.9, "epsilon": 1e-3}
        theta, slots = fitting.WEIGHTS.astype(np.float64), Slots()
        for t, value in enumerate(values):
            c = {**fixed, name: value}
            g = fitting.gradient(t, theta, batches)
            decay = c["learning_rate"] * c["weight_decay"] * theta
            theta = theta - decay - self.subtracted(g, slots, c)
        return theta


STEPS = 7
WAYS = [
    "ramp",
    "schedule of the update",
    "schedule of the epoch",
    "function of the epoch",
]


def momentum_optimizer(**arguments: Any) -> keras_momentum.Momentum:
    return keras_momentum.Momentum(RATE, GAMMA, weight_decay=0.0, **arguments)


def adam_optimizer(**arguments: Any) -> keras_momentum.MomentumAdam:
    return keras_momentum.MomentumAdam(
        RATE, GAMMA, beta_2=0.9, epsilon=1e-3, weight_decay=0.0, **arguments
    )


def rmsprop_optimizer(**arguments: Any) -> keras_momentum.MomentumRMSprop:
    return keras_momentum.MomentumRMSprop(
        RATE, rho=0.9, momentum=GAMMA, epsilon=1e-3, **arguments
    )


MOVED = {
    "learning_rate": Moved(momentum_optimizer, momentum, 0.05, 0.0),
    "weight_decay": Moved(momentum_optimizer, momentum, 0.0, 2.0),
    "beta_2": Moved(adam_optimizer, adam, 0.5, 0.95),
    "rho": Moved(rmsprop_optimizer, rmsprop, 0.5, 0.95),
    "epsilon": Moved(adam_optimizer, adam, 1.0, 0.01),
}
