"""The optimizers, each with its formula in float64 and its equal in Keras."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests import reference


class Table(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that looks its values up; after the last it is constant."""

    def __init__(self, values: Any):
        self.values = [float(value) for value in values]

    def __call__(self, step: Any) -> Any:
        last = len(self.values) - 1
        values = ops.convert_to_tensor(np.asarray(self.values, np.float32))
        return ops.take(values, ops.minimum(ops.cast(step, "int32"), last))

    def get_config(self) -> dict[str, Any]:
        return {"values": self.values}


@dataclasses.dataclass(frozen=True)
class Case:
    """An optimizer with one set of its own arguments.

    Attributes:
        make: Makes it from a learning rate, gamma and keywords.
        weights: The last weights by `tests.reference`, from the first ones, all
            gradients, η, γ (one more), where it restarts and where that was planned.
    """

    make: Callable[..., keras_momentum.optimizers.MomentumOptimizer]
    weights: Callable[..., np.ndarray]


@dataclasses.dataclass(frozen=True)
class TwinCase(Case):
    """An optimizer that Keras has too, for a constant gamma.

    Attributes:
        keras_twin: Makes Keras's from a learning rate and gamma.
    """

    keras_twin: Callable[[float, float], keras.optimizers.Optimizer]


def adam(**arguments: Any) -> Case:
    return Case(
        lambda eta, gamma, **k: keras_momentum.MomentumAdam(
            eta, gamma, **arguments, **k
        ),
        lambda w, g, eta, gamma, restart, _: reference.adam(
            w, g, eta, gamma, restart, **arguments
        ),
    )


def rmsprop(**arguments: Any) -> TwinCase:
    return TwinCase(
        lambda eta, gamma, **k: keras_momentum.MomentumRMSprop(
            eta, momentum=gamma, **arguments, **k
        ),
        lambda w, g, eta, gamma, restart, _: reference.rmsprop(
            w, g, eta, gamma, restart, **arguments
        ),
        lambda eta, gamma: keras.optimizers.RMSprop(eta, momentum=gamma, **arguments),
    )


def heavy_ball(w: Any, g: Any, eta: Any, gamma: Any, restart: Any, _: Any) -> Any:
    gamma = np.where(restart[:-1], 0.0, gamma[:-1])
    return reference.momentum(w, lambda t, _: g[t], eta, gamma)[0][-1]


CASES: dict[str, Case] = {
    "Momentum": TwinCase(
        keras_momentum.Momentum,
        heavy_ball,
        lambda eta, gamma: keras.optimizers.SGD(eta, gamma),
    ),
    "NAG": TwinCase(
        keras_momentum.NAG,
        lambda *arguments: reference.nag(*arguments)[0],
        lambda eta, gamma: keras.optimizers.SGD(eta, gamma, nesterov=True),
    ),
    "MomentumAdam": TwinCase(
        **vars(adam()),
        keras_twin=lambda eta, gamma: keras.optimizers.Adam(eta, gamma),
    ),
    "MomentumAdam-nesterov": adam(nesterov=True),
    "MomentumAdam-amsgrad": adam(amsgrad=True),
    "MomentumAdam-reset": adam(reset_second_moment=True),
    "MomentumRMSprop": rmsprop(),
    "MomentumRMSprop-centered": rmsprop(centered=True),
}
# Those that Keras has too, and of these one of each class.
TWINS = {name: case for name, case in CASES.items() if isinstance(case, TwinCase)}
PLAIN = {name: case for name, case in TWINS.items() if "-" not in name}
family = pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN.keys())
