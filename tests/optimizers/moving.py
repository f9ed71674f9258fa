"""Every hyper-parameter of every optimizer, with a range to move it in."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from tests import reference
from tests.optimizers.family import CASES, Case

RATE, GAMMA = 0.0625, 0.875
SHAPES = [(3, 4), (5,)]
RNG = np.random.default_rng(8)
FIRST = [np.float32(RNG.normal(size=shape)) for shape in SHAPES]
# Away from 0, so that Adam's steps hang on more than on signs.
GRADIENTS = [
    [np.float32(RNG.uniform(0.2, 2, s) * RNG.choice([-1, 1], s)) for s in SHAPES]
    for _ in range(7)
]


@dataclasses.dataclass(frozen=True)
class Row:
    """A hyper-parameter.

    Attributes:
        optimizer: Its optimizer, the name of a case of the family.
        name: Its name.
        low: A value that is allowed, of K numbers an array.
        high: Another one.
        wrong: A value that is not.
        given: Other arguments, with which it matters more.
    """

    optimizer: str
    name: str
    low: Any
    high: Any
    wrong: Any
    given: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def case(self) -> Case:
        return CASES[self.optimizer]

    @property
    def argument(self) -> str:
        """What the constructor calls it."""
        adam_like = self.optimizer in ("MomentumAdam", "AdEMAMix")
        gamma = "beta_1" if adam_like else "momentum"
        return gamma if self.name == "gamma" else self.name

    @property
    def is_vector(self) -> bool:
        return np.ndim(self.low) > 0

    def random(self, count: int, seed: int = 0) -> np.ndarray:
        """Values between the two, which are the same in float32."""
        share = np.random.default_rng(seed).uniform(size=(count, *np.shape(self.low)))
        values = self.low + (np.asarray(self.high) - self.low) * share
        return values.astype(np.float32).astype(np.float64)

    def line(self, count: int, steps: int) -> np.ndarray:
        """The values of a ramp from one to the other."""
        low, high = np.asarray(self.low, float), np.asarray(self.high, float)
        shares = [reference.linear_ramp(t, 0.0, 1.0, steps) for t in range(count)]
        return np.stack([low + (high - low) * share for share in shares])

    def value(self, value: Any) -> Any:
        """A value as a user writes it."""
        return np.asarray(value, np.float64).tolist()


def _rows(optimizer: str, *own: Row) -> list[Row]:
    shared = [
        Row(optimizer, "learning_rate", 0.01, 0.1, float("nan")),
        Row(optimizer, "gamma", 0.1, 0.95, 1.5),
        Row(optimizer, "weight_decay", 0.0, 0.5, -0.1),
    ]
    return [*shared, *own]


W_LOW, W_HIGH = np.array([0.0, 0.25, 0.5]), np.array([0.5, 0.25, 0.125])
ROWS: list[Row] = [
    *_rows("Momentum"),
    *_rows("NAG"),
    *_rows(
        "MomentumAdam",
        Row("MomentumAdam", "beta_2", 0.5, 0.99, 1.0),
        Row("MomentumAdam", "epsilon", 0.01, 0.5, 0.0),
    ),
    *_rows(
        "MomentumRMSprop",
        Row("MomentumRMSprop", "rho", 0.5, 0.99, 1.0),
        Row("MomentumRMSprop", "epsilon", 0.01, 0.5, 0.0),
    ),
    *_rows("AggMo", Row("AggMo", "weights", W_LOW, W_HIGH, [0.5, 0.5])),
    *_rows(
        "AggMo-nesterov", Row("AggMo-nesterov", "weights", W_LOW, W_HIGH, [0.5, 0.5])
    ),
    *_rows(
        "Muon",
        Row("Muon", "adam_lr_ratio", 0.1, 1.0, -1.0),
        Row("Muon", "adam_beta_1", 0.1, 0.95, 1.5),
        Row("Muon", "adam_beta_2", 0.5, 0.99, 1.0),
        Row("Muon", "epsilon", 0.01, 0.5, 0.0),
        Row("Muon", "adam_weight_decay", 0.0, 0.5, -0.1),
    ),
    *_rows(
        "AdEMAMix",
        Row("AdEMAMix", "beta_2", 0.5, 0.99, 1.0),
        Row("AdEMAMix", "beta_3", 0.5, 0.999, 1.5),
        Row("AdEMAMix", "alpha", 0.0, 5.0, float("inf"), {"beta_3": 0.75}),
        Row("AdEMAMix", "epsilon", 0.01, 0.5, 0.0),
    ),
    *_rows("QHM", Row("QHM", "nu", 0.1, 0.9, 1.5)),
]
# The rows of each optimizer.
OF_EACH = {name: [row for row in ROWS if row.optimizer == name] for name in CASES}
OF_EACH = {name: rows for name, rows in OF_EACH.items() if rows}


def make(optimizer: str, values: Mapping[str, Any], **arguments: Any) -> Any:
    """The optimizer with values of hyper-parameters by name."""
    others = dict(values)
    rate, gamma = others.pop("learning_rate", RATE), others.pop("gamma", GAMMA)
    return CASES[optimizer].make(rate, gamma, **{**others, **arguments})


def expected(
    case: Case,
    values: Mapping[str, Any],
    steps: int,
    every: int | None = None,
) -> list[np.ndarray]:
    """The last weights by the formula.

    Args:
        case: Which formula.
        values: Of hyper-parameters by name, one of each update and one more.
        steps: The number of updates.
        every: As `restart_every`.
    """
    others = dict(values)
    eta = np.broadcast_to(others.pop("learning_rate", RATE), steps + 1)[:steps]
    gamma = np.broadcast_to(others.pop("gamma", GAMMA), steps + 1)
    planned = reference.restarts(steps + 1, every)
    found = []
    for i, first in enumerate(FIRST):
        g = np.stack([GRADIENTS[t % 7][i] for t in range(steps)]).astype(np.float64)
        theta = np.asarray(first, np.float64)
        found.append(case.weights(theta, g, eta, gamma, planned, planned, **others))
    return found
