"""The optimizers, each with its formula in float64 and its equal in Keras."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests import reference, reference_today
from tests.optimizers import twins
from write_your_own import QHM


class Table(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that looks its values up; after the last it is constant."""

    def __init__(self, values: Any):
        # Numbers, or of each step a list of them.
        self.values = np.asarray(values, np.float64).tolist()

    def __call__(self, step: Any) -> Any:
        last = len(self.values) - 1
        values = ops.convert_to_tensor(np.asarray(self.values, np.float32))
        return ops.take(values, ops.minimum(ops.cast(step, "int32"), last), axis=0)

    def get_config(self) -> dict[str, Any]:
        return {"values": self.values}


@dataclasses.dataclass(frozen=True)
class Case:
    """An optimizer with one set of its own arguments.

    Attributes:
        make: Makes it from a learning rate, gamma and keywords.
        weights: The last weights by `tests.reference`, from the first ones, all
            gradients, η, γ (one more), where it restarts and where that was planned.
        tolerance: By how much a float32 may differ from the formula. The iteration of
            Muon multiplies small singular values by up to 3.4445⁵ = 485, and with them
            the rounding of the gradients and of the velocity; few are so small.
        theta: The case by whose formula `iterate` goes; if `None`, by its own.
        decays: The arguments that together make all weights decay.
        embeddings: The arguments by which an embedding is a weight as any other.
        rate: How much larger its learning rate has to be than that of `Momentum` or of
            Adam, to learn as fast.
    """

    make: Callable[..., keras_momentum.optimizers.MomentumOptimizer]
    weights: Callable[..., np.ndarray]
    tolerance: float = 1e-5
    theta: str | None = None
    decays: tuple[str, ...] = ("weight_decay",)
    embeddings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    rate: float = 1.0

    def decay(self, value: float) -> dict[str, float]:
        """The arguments by which all weights decay."""
        return dict.fromkeys(self.decays, value)


@dataclasses.dataclass(frozen=True, kw_only=True)
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
        lambda w, g, eta, gamma, restart, _, **k: reference.adam(
            w, g, eta, gamma, restart, **arguments, **k
        ),
    )


def rmsprop(**arguments: Any) -> TwinCase:
    return TwinCase(
        lambda eta, gamma, **k: keras_momentum.MomentumRMSprop(
            eta, momentum=gamma, **arguments, **k
        ),
        lambda w, g, eta, gamma, restart, _, **k: reference.rmsprop(
            w, g, eta, gamma, restart, **arguments, **k
        ),
        keras_twin=lambda eta, gamma: keras.optimizers.RMSprop(
            eta, momentum=gamma, **arguments
        ),
    )


def heavy_ball(
    w: Any, g: Any, eta: Any, gamma: Any, restart: Any, _: Any, **arguments: Any
) -> Any:
    gamma = np.where(restart[:-1], 0.0, gamma[:-1])
    return reference.momentum(w, lambda t, _: g[t], eta, gamma, **arguments)[0][-1]


def aggmo(theta: str | None = None, **arguments: Any) -> Case:
    given = dict(arguments)
    if "weights" in arguments:
        given["weights"] = Table(arguments["weights"])
    return Case(
        lambda eta, gamma, **k: keras_momentum.AggMo(eta, gamma, **{**given, **k}),
        lambda *a, **k: reference_today.aggmo(*a, **{**arguments, **k})[0],
        theta=theta,
        rate=2.0,
    )


def muon(**arguments: Any) -> TwinCase:
    """Without the weight decay that Muon has by default."""
    none = {"weight_decay": None, "adam_weight_decay": None}
    return TwinCase(
        lambda eta, gamma, **k: keras_momentum.Muon(
            eta, gamma, **{**none, **arguments, **k}
        ),
        lambda w, g, eta, gamma, restart, _, **k: reference_today.muon(
            *(w, g, eta, gamma, restart, is_matrix(w)), **{**arguments, **k}
        ),
        tolerance=5e-5,
        decays=("weight_decay", "adam_weight_decay"),
        embeddings={"exclude_embeddings": False},
        rate=5.0,
        keras_twin=lambda eta, gamma: keras.optimizers.Muon(
            eta, momentum=gamma, **none, **arguments
        ),
    )


def is_matrix(weight: np.ndarray) -> bool:
    """Whether Muon makes a matrix of a weight, whose name says nothing else."""
    return weight.ndim == 2 and weight.size > 0


# Of three velocities, as it goes from update to update, also to one with no weight.
WEIGHTS = np.random.default_rng(5).uniform(0.0, 0.6, (61, 3)).astype(np.float32)

CASES: dict[str, Case] = {
    "Momentum": TwinCase(
        lambda *a, **k: keras_momentum.Momentum(*a, **k),
        heavy_ball,
        keras_twin=lambda eta, gamma: keras.optimizers.SGD(eta, gamma),
    ),
    "NAG": TwinCase(
        lambda *a, **k: keras_momentum.NAG(*a, **k),
        lambda *a, **k: reference.nag(*a, **k)[0],
        theta="Momentum",
        keras_twin=lambda eta, gamma: keras.optimizers.SGD(eta, gamma, nesterov=True),
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
    "AggMo": TwinCase(
        **vars(aggmo()), keras_twin=lambda eta, gamma: twins.AggMo(eta, gamma)
    ),
    "AggMo-nesterov": aggmo(theta="AggMo", nesterov=True),
    "AggMo-weights": aggmo(weights=WEIGHTS),
    "Muon": muon(),
    "Muon-plain": muon(nesterov=False),
    "AdEMAMix": TwinCase(
        lambda eta, gamma, **k: keras_momentum.AdEMAMix(eta, gamma, **k),
        lambda w, g, eta, gamma, restart, _, **k: reference_today.ademamix(
            w, g, eta, gamma, restart, **k
        ),
        keras_twin=lambda eta, gamma: twins.AdEMAMix(eta, gamma),
    ),
    # A user's own, of examples/write_your_own.py.
    "QHM": TwinCase(
        lambda *a, **k: QHM(*a, **k),
        lambda w, g, eta, gamma, restart, _, **k: reference_today.qhm(
            w, g, eta, gamma, restart, **k
        ),
        rate=10.0,
        keras_twin=lambda eta, gamma: twins.QHM(eta, gamma),
    ),
}
# Those that Keras has too, and of these one of each class.
TWINS = {name: case for name, case in CASES.items() if isinstance(case, TwinCase)}
PLAIN = {name: case for name, case in TWINS.items() if "-" not in name}
# Those of the package.
OURS = [name for name in PLAIN if name != "QHM"]
family = pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN.keys())
# Of what is done around the formula: one slot and scalars of each weight; two slots;
# slots by number; weights of two kinds.
DIFFERENT = ("NAG", "MomentumAdam", "AggMo", "Muon")
house = pytest.mark.parametrize("case", [PLAIN[n] for n in DIFFERENT], ids=DIFFERENT)
