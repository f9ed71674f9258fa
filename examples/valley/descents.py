"""Who goes down the valley, and how fast."""

import math
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_momentum import NAG, AggMo, Momentum
from keras_momentum.schedules import NesterovSequence

CONDITION_NUMBER = 100.0
STEPS = 200
START = (0.1, 1.0)
# Of those who don't know κ, and how long it takes then.
LARGE_GAMMA, MANY_STEPS = 0.999, 1000


class Contestant(NamedTuple):
    """An optimizer, with the rate that theory gives it, if it gives one."""

    optimizer: keras.optimizers.Optimizer
    rate: float | None = None
    steps: int = STEPS


def rate_of_aggmo(gammas: np.ndarray) -> float:
    """The factor by which (θ, v⁽⁰⁾, …) shrinks in a step, with a learning rate of 1."""
    count, radii = len(gammas), []
    for curvature in (1.0, 1.0 / CONDITION_NUMBER):
        step = np.block(
            [
                [1 - curvature, -gammas / count],
                [np.full((count, 1), curvature), np.diag(gammas)],
            ]
        )
        radii.append(np.abs(np.linalg.eigvals(step)).max())
    return max(radii)


def descend(optimizer: keras.optimizers.Optimizer, steps: int) -> np.ndarray:
    """All points of the descent, an array of shape (steps + 1, 2)."""
    point = keras.Variable(START)
    curvature = ops.convert_to_tensor((1.0, 1.0 / CONDITION_NUMBER))
    points = [START]
    for _ in range(steps):
        optimizer.apply([curvature * point.value], [point])
        points.append(tuple(ops.convert_to_numpy(point).tolist()))
    return np.array(points)


def contestants() -> dict[str, Contestant]:
    kappa, root = CONDITION_NUMBER, math.sqrt(CONDITION_NUMBER)
    best = (root - 1) / (root + 1)
    restarted = NAG(
        1.0, NesterovSequence(), restart_when="gradient", schedule_restarts=True
    )
    large = f"γ\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{LARGE_GAMMA}"
    return {
        "gradient descent": Contestant(
            Momentum(2 / (1 + 1 / kappa), momentum=0.0), (kappa - 1) / (kappa + 1)
        ),
        "heavy ball, best η and γ": Contestant(
            Momentum((2 / (1 + 1 / root)) ** 2, momentum=best**2), best
        ),
        "NAG, γ from κ": Contestant(NAG(1.0, momentum=best), 1 - 1 / root),
        "NAG, Nesterov's sequence": Contestant(NAG(1.0, NesterovSequence())),
        "the same, restarted by the gradient": Contestant(restarted),
        f"heavy ball, {large}": Contestant(
            Momentum(1.0, momentum=LARGE_GAMMA), math.sqrt(LARGE_GAMMA), MANY_STEPS
        ),
        f"AggMo, {large}": Contestant(
            AggMo(1.0, momentum=LARGE_GAMMA),
            rate_of_aggmo(1 - (1 - LARGE_GAMMA) ** np.array([0.0, 0.5, 1.0])),
            MANY_STEPS,
        ),
    }


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points, axis=1)


def measured_rate(distance: np.ndarray) -> float:
    """Of the largest distances in the last two quarters, as it may go up and down."""
    quarter = len(distance) // 4
    third, last = distance[-2 * quarter : -quarter].max(), distance[-quarter:].max()
    return (last / third) ** (1 / quarter)
