"""Optimizers that take the gradient ahead of their iterate."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from keras import ops

from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


class LookAheadOptimizer(MomentumOptimizer):
    """Abstract base of the optimizers that look ahead, exactly, as Nesterov's method.

    While the model trains it holds φ, where the gradient is taken, and not θ:

    ```python
    φ = θ - sum(look_ahead * velocity)
    ```

    `look_ahead` is a scalar of each velocity, that of the last update. A restart
    forgets the velocity of a weight without a gradient only at its next update, as θ
    hangs on it; until then the weight's scalar `forgets` is 1.
    """

    # The velocities that are looked ahead along, and the scalar of each.
    look_ahead_of: Mapping[str, str] = MappingProxyType({})

    def slots_of_absent(self, slots: Any, step: Any) -> dict[str, Any]:
        return {} if self.look_ahead_of else super().slots_of_absent(slots, step)

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        if not self.look_ahead_of:
            return {}
        return {"forgets": 1 - step.kept * (1 - step.forgets)}

    def iterate(self, variable: Any) -> Any:
        """θ, where the model's weight is φ = θ − Σ look_ahead · velocity.

        Of a weight with a constraint it is what that makes of θ.

        Args:
            variable: A variable that the optimizer was built with.
        """
        slots = self._built_slots()
        self._check_variables_are_known([variable])
        index = self._get_variable_index(variable)
        theta = ops.convert_to_tensor(variable)
        for slot, name in self.look_ahead_of.items():
            velocity = ops.cast(
                ops.convert_to_tensor(slots.of(index)[slot]), theta.dtype
            )
            look_ahead = ops.cast(
                self._weight_scalars.of_weight(name, index), theta.dtype
            )
            # Not a sum: Keras's own fails on TensorFlow for weights without elements.
            theta = theta - (-look_ahead) * velocity
        constraint = getattr(variable, "constraint", None)
        return theta if constraint is None else constraint(theta)

    def look_aheads(self) -> np.ndarray:
        """The coefficients by which the last update looked ahead, one for each weight.

        They are the same unless weights have taken part in different updates. Of
        several velocities each has a row.
        """
        rows = [self._weight_scalars.values(n) for n in self.look_ahead_of.values()]
        return rows[0] if len(rows) == 1 else np.stack(rows)

    def set_look_aheads(self, values: Any) -> None:
        """Sets them, when weights have been set to other points.

        Args:
            values: As `look_aheads` returns them, or one for all; 0 where a weight is
                θ.
        """
        names = list(self.look_ahead_of.values())
        rows = values if np.ndim(values) == 2 else [values] * len(names)
        for name, row in zip(names, rows, strict=True):
            self._weight_scalars.set(name, row)
