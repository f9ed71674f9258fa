"""The scalars of one update."""

from typing import Any, NamedTuple

import keras
from keras import ops


class Coefficients(NamedTuple):
    """The scalars of one update, in the dtype in which it is computed.

    Attributes:
        learning_rate: η_t.
        gamma: γ_t, and 0 in a restart.
        next_gamma: γ_{t+1}, and 0 where the next update is known to be a restart.
        scheduled: γ_t and γ_{t+1} as if there was no restart.
        kept: 1, and 0 in a restart.
        uphill: Whether the gradient made the next update a restart.
        scalars: The optimizer's own scalars before the update, in the order of
            `scalar_names`.
        new_scalars: The same after the update.
        factors: What else the formula computes from these, once for all weights.
    """

    learning_rate: Any
    gamma: Any
    next_gamma: Any
    scheduled: tuple[Any, Any]
    kept: Any
    uphill: Any = False
    scalars: tuple[Any, ...] = ()
    new_scalars: tuple[Any, ...] = ()
    factors: tuple[Any, ...] = ()

    def cast(self, dtype: str) -> "Coefficients":
        return keras.tree.map_structure(lambda scalar: ops.cast(scalar, dtype), self)
