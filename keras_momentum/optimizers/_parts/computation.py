"""What is computed for a pack: the formula, in a float type, and the weight decay."""

import dataclasses
import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from keras import ops

from keras_momentum._backend import backend
from keras_momentum.optimizers._parts.formula import Formula
from keras_momentum.optimizers._parts.step import PackStep, Values


@dataclasses.dataclass(frozen=True)
class PackFormula:
    """The formula and the weight decay for a pack; see `Computation`.

    Args:
        formula: The formula.
        step: The scalars of the update.
        dtype: The type in which it is computed.
        decay: The name of the weight decay, or `None`.
        stacked: The shape of each weight, if the formula is not elementwise.
    """

    formula: Formula
    step: PackStep
    dtype: str
    decay: str | None
    stacked: tuple[int, ...] | None = None

    @property
    def alike(self) -> Hashable:
        return self.dtype, self.decay, self.step.kind

    @property
    def is_uniform(self) -> bool:
        return not self.step.apart

    def __call__(
        self, gradient: Any, slots: Mapping[str, Any], weight: Callable[[], Any]
    ) -> tuple[Any, dict[str, Any]]:
        cast = backend.cast
        values = {name: cast(value, self.dtype) for name, value in slots.items()}
        given = cast(gradient, self.dtype)
        if self.stacked is None:
            difference, new_slots = self.formula.update(
                given, Values(values), self.step
            )
        else:
            difference, new_slots = self._of_stack(given, values, self.stacked)
        if self.decay is not None:
            rate = getattr(self.step, rate_of(self.decay))
            difference = difference + rate * cast(weight(), self.dtype)
        return difference, new_slots

    def _of_stack(
        self, gradient: Any, slots: Mapping[str, Any], shape: tuple[int, ...]
    ) -> tuple[Any, dict[str, Any]]:
        """The formula on whole weights: as many as the values have."""
        # Of a gradient TensorFlow may not know how long it is.
        found = next(iter(slots.values()), gradient).shape
        count = math.prod(found) // math.prod(shape)

        def stack(value: Any) -> Any:
            return ops.reshape(value, (count, *shape))

        values = Values({name: stack(value) for name, value in slots.items()})
        difference, new_slots = self.formula.update(stack(gradient), values, self.step)
        return ops.reshape(difference, found), {
            name: ops.reshape(value, found) for name, value in new_slots.items()
        }


def rate_of(decay: str) -> str:
    """The name of the scalar η λ, of a weight decay λ."""
    return f"{decay}_rate"
