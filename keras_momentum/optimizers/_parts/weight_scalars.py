"""Scalars of a formula, of which each weight has its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum._backend import backend
from keras_momentum._backend.dtypes import float_type


class WeightScalars:
    """A row for each scalar of a formula and a column for each weight, in one variable.

    As long as every update is one of all weights, a row has the same number everywhere.
    A weight that takes no part in an update keeps its numbers; from then on the weights
    are `apart`.

    Args:
        names: The names of the scalars.
    """

    def __init__(self, names: Sequence[str]):
        self.names = list(names)

    def create(self, optimizer: keras.optimizers.Optimizer, weights: int) -> None:
        """Makes the variable, if there are scalars.

        Args:
            optimizer: The optimizer that owns it.
            weights: The number of its weights.
        """
        self._weights = weights
        if self.names:
            with backend.control_creation():
                self.variable = optimizer.add_variable(
                    shape=(len(self.names), weights),
                    dtype=float_type(),
                    aggregation="only_first_replica",
                    name="weight_scalars",
                )

    def read(self) -> dict[str, Any]:
        """The rows, in a step."""
        if not self.names:
            return {}
        rows = backend.rows(self.variable)
        return dict(zip(self.names, rows, strict=True))

    def write(
        self,
        rows: Mapping[str, Any],
        after: Mapping[str, Any],
        absent: Mapping[str, Any],
        missing: frozenset[int],
    ) -> None:
        """Sets the rows after an update.

        Args:
            rows: What they were before it.
            after: What they are for weights that took part.
            absent: What they are for others, where they change.
            missing: The numbers of those others.
        """
        if not self.names:
            return
        o = backend.scalar_ops
        is_missing = np.isin(np.arange(self._weights), list(missing))
        new = []
        for name in self.names:
            row = after[name] + o.zeros_like(rows[name])
            if missing:
                row = o.where(is_missing, absent.get(name, rows[name]), row)
            new.append(row)
        backend.write_rows(self.variable, new)

    def values(self, name: str) -> np.ndarray:
        """A row, for the host."""
        return np.array(ops.convert_to_numpy(self.variable)[self.names.index(name)])

    def set(self, name: str, values: Any) -> None:
        """Sets a row, from the host."""
        rows = np.array(ops.convert_to_numpy(self.variable))
        rows[self.names.index(name)] = values
        self.variable.assign(rows)

    def of_weight(self, name: str, index: int) -> Any:
        """The scalar of a weight, a tensor."""
        return ops.convert_to_tensor(self.variable)[self.names.index(name), index]
