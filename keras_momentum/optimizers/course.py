"""Where a hyper-parameter goes, kept in variables that the compiled step reads."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.schedules import curves


class Course:
    """Points at equal distances and straight lines between them.

    ```python
    i + f = clip((t - begin) / spacing, 0, count - 1)   # f: the fraction
    value = points[i] + (points[i + 1] - points[i]) * f
    ```

    Two points are a ramp of any length; with a spacing of 1 each update has its own.
    The last point stays.

    Args:
        optimizer: The optimizer that owns the variables.
        name: The name of the hyper-parameter.

    Attributes:
        capacity: The largest number of points.
    """

    capacity = 1024

    def __init__(self, optimizer: keras.optimizers.Optimizer, name: str):
        self._points = control_variable(
            optimizer, f"{name}_points", shape=(self.capacity,)
        )
        self._grid = control_variable(
            optimizer, f"{name}_grid", shape=(3,), dtype="int"
        )

    def set(self, points: Sequence[float], begin: int, spacing: int) -> None:
        """Begins a course in place of the last one.

        Args:
            points: At least one value and at most `capacity`.
            begin: The update of the first one.
            spacing: The number of updates between two, an integer >= 1.
        """
        spacing = arguments.integer("steps", spacing, minimum=1)
        if not 1 <= len(points) <= self.capacity:
            raise ValueError(
                f"Argument `values` must have 1 to {self.capacity} elements. "
                f"Received: {len(points)} elements"
            )
        missing = self.capacity - len(points)
        self._points.assign(np.pad(np.asarray(points, float), (0, missing), "edge"))
        self._grid.assign([int(begin), spacing, len(points)])

    def end(self) -> None:
        """Leaves the hyper-parameter where it is."""
        self._grid.assign([0, 0, 0])

    def value(self, iteration: Any, otherwise: Any) -> Any:
        """The value at the update `iteration`, or `otherwise` if there is no course."""
        grid, points = backend.tensor(self._grid), backend.tensor(self._points)

        def whole(number: Any) -> Any:
            # On JAX Keras compares to a float32 if its own floats have 16 bits.
            return ops.cast(number, grid.dtype)

        begin, spacing, count = grid[0], whole(ops.maximum(grid[1], 1)), grid[2]
        last = whole(ops.maximum(count - 1, 0))
        offset = whole(ops.clip(whole(iteration) - begin, 0, spacing * last))
        i = whole(ops.floor_divide(offset, spacing))
        # Not points[i]: XLA on TensorFlow would compile the step for each i anew.
        here = ops.take(points, i)
        there = ops.take(points, whole(ops.minimum(i + 1, self.capacity - 1)))
        fraction = curves.as_float(offset - i * spacing) / curves.as_float(spacing)
        value = here + (there - here) * ops.cast(fraction, points.dtype)
        return ops.where(count > 0, value, ops.cast(otherwise, points.dtype))
