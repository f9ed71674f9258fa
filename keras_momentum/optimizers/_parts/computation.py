"""What is computed for a pack: the formula, in a float type, and the weight decay."""

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from types import SimpleNamespace
from typing import Any

from keras_momentum._backend import backend
from keras_momentum.optimizers._parts.formula import Formula
from keras_momentum.optimizers._parts.step import PackStep


@dataclasses.dataclass(frozen=True)
class PackFormula:
    """The formula and the weight decay for a pack; see `Computation`.

    Args:
        formula: The formula.
        step: The scalars of the update.
        dtype: The type in which it is computed.
        decay: The name of the weight decay, or `None`.
    """

    formula: Formula
    step: PackStep
    dtype: str
    decay: str | None

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
        difference, new_slots = self.formula.update(
            cast(gradient, self.dtype), SimpleNamespace(**values), self.step
        )
        if self.decay is not None:
            rate = getattr(self.step, rate_of(self.decay))
            difference = difference + rate * cast(weight(), self.dtype)
        return difference, new_slots


def rate_of(decay: str) -> str:
    """The name of the scalar η λ, of a weight decay λ."""
    return f"{decay}_rate"
