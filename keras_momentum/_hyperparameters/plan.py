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
        self.points = f"{name}_points"
        self.begin, self.spacing, self.count = (
            f"{name}_{part}" for part in ("begin", "spacing", "count")
        )
        control.add_numbers(self.points, self.capacity)
        for each in (self.begin, self.spacing, self.count):
            control.add_count(each)

    @property
    def is_followed(self) -> bool:
        """Whether there is a plan."""
        return bool(self._control[self.count])

    def set(self, points: Sequence[float], begin: int, spacing: int) -> bool:
        """Takes the place of the last plan.

        Args:
            points: At least one value and at most `capacity`.
            begin: The update of the first one.
            spacing: The number of updates between two, an integer >= 1.

        Returns:
            Whether it is another one. If not, the hyper-parameter has its value of it,
            rounded as the compiled step does; computed on the host, the last bit could
            differ, and a run that goes on would not be the one that it was.
        """
        if not 1 <= len(points) <= self.capacity:
            raise ValueError(
                f"Argument `values` must have 1 to {self.capacity} elements. "
                f"Received: {len(points)} elements"
            )
        missing = self.capacity - len(points)
        padded = np.pad(np.asarray(points, float), (0, missing), "edge")
        present = self._control[self.points]
        if (
            self._control[self.count] == len(points)
            and (self._control[self.begin], self._control[self.spacing])
            == (begin, spacing)
            and np.array_equal(present, padded.astype(present.dtype))
        ):
            return False
        self._control[self.points] = padded
        self._control[self.begin] = begin
        self._control[self.spacing] = spacing
        self._control[self.count] = len(points)
        return True

    def end(self) -> None:
        """Leaves the hyper-parameter where it is."""
        if self._control[self.count]:
            self._control[self.count] = 0


def planned(
    plans: Sequence[Plan],
    control: Control,
    scalars: Mapping[str, Any],
    iteration: Any,
    otherwise: Any,
) -> Any:
    """What several plans have for the update `iteration`, as one vector.

    All of them at once, as each operation has its price.

    Args:
        plans: The plans.
        control: Where their numbers are.
        scalars: Those of `control` in this step.
        iteration: An integer scalar.
        otherwise: A vector of what it is where there is no plan.

    Returns:
        The values, and where there was a plan.
    """
    o, whole = backend.scalar_ops, backend.whole
    counts, begins, spacings = (
        whole(backend.stacked([scalars[getattr(plan, part)] for plan in plans]))
        for part in ("count", "begin", "spacing")
    )

    def values() -> Any:
        # On JAX Keras compares to a float32 if its own floats have 16 bits: hence the
        # casts to integers.
        spacing = whole(o.maximum(spacings, 1))
        last = whole(o.maximum(counts - 1, 0))
        offset = whole(o.clip(whole(iteration) - begins, 0, spacing * last))
        i = whole(o.floor_divide(offset, spacing))
        first = np.array([control.place(plan.points) for plan in plans], "int32")
        here = control.elements(first + i)
        there = control.elements(first + whole(o.minimum(i + 1, Plan.capacity - 1)))
        fraction = backend.real(offset - i * spacing) / backend.real(spacing)
        return o.where(counts > 0, here + (there - here) * fraction, otherwise)

    return backend.select(o.any(counts > 0), values, otherwise), counts > 0
