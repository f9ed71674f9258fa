"""Where a hyper-parameter goes, kept where the compiled step reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_momentum._backend import backend
from keras_momentum._hyperparameters.control import Control


class Plan:
    """Points at equal distances and straight lines between them.

    ```python
    i + f = clip((t - begin) / spacing, 0, count - 1)   # f: the fraction
    value = points[i] + (points[i + 1] - points[i]) * f
    ```

    Two points are a ramp of any length; with a spacing of 1 each update has its own.
    The last point stays.

    Args:
        control: Where its numbers are.
        name: The name of the hyper-parameter.

    Attributes:
        capacity: The largest number of points.
    """

    capacity = 1024

    def __init__(self, control: Control, name: str):
        self._control = control
        self._points = f"{name}_points"
        self._begin, self._spacing, self._count = (
            f"{name}_{part}" for part in ("begin", "spacing", "count")
        )
        control.add_numbers(self._points, self.capacity)
        for each in (self._begin, self._spacing, self._count):
            control.add_count(each)

    def set(self, points: Sequence[float], begin: int, spacing: int) -> None:
        """Takes the place of the last plan.

        Args:
            points: At least one value and at most `capacity`.
            begin: The update of the first one.
            spacing: The number of updates between two, an integer >= 1.
        """
        if not 1 <= len(points) <= self.capacity:
            raise ValueError(
                f"Argument `values` must have 1 to {self.capacity} elements. "
                f"Received: {len(points)} elements"
            )
        missing = self.capacity - len(points)
        padded = np.pad(np.asarray(points, float), (0, missing), "edge")
        self._control[self._points] = padded
        self._control[self._begin] = begin
        self._control[self._spacing] = spacing
        self._control[self._count] = len(points)

    def end(self) -> None:
        """Leaves the hyper-parameter where it is."""
        if self._control[self._count]:
            self._control[self._count] = 0

    def value(self, scalars: Mapping[str, Any], iteration: Any, otherwise: Any) -> Any:
        """The value at the update `iteration`, or `otherwise` if there is no plan.

        Args:
            scalars: Those of `control` in this step.
            iteration: An integer scalar.
            otherwise: A float scalar.
        """
        count = scalars[self._count]
        return backend.select(
            count > 0, lambda: self._planned(scalars, iteration), otherwise
        )

    def _planned(self, scalars: Mapping[str, Any], iteration: Any) -> Any:
        o = backend.scalar_ops
        begin, count = scalars[self._begin], scalars[self._count]
        # On JAX Keras compares to a float32 if its own floats have 16 bits: hence the
        # casts to integers.
        whole = backend.whole
        spacing = whole(o.maximum(scalars[self._spacing], 1))
        last = whole(o.maximum(count - 1, 0))
        offset = whole(o.clip(whole(iteration - begin), 0, spacing * last))
        i = whole(o.floor_divide(offset, spacing))
        here = self._control.element(self._points, i)
        there = self._control.element(
            self._points, whole(o.minimum(i + 1, self.capacity - 1))
        )
        fraction = backend.real(offset - i * spacing) / backend.real(spacing)
        return here + (there - here) * fraction
