"""The weight decay, which an optimizer may be without."""

from collections.abc import Sequence
from typing import Any

from keras_momentum._hyperparameters.hyperparameter import Hyperparameter


class WeightDecay(Hyperparameter):
    """A hyper-parameter that may be `None`.

    With `None` there is nothing of it in the compiled step, which costs nothing; so it
    can be set until the optimizer is built, and can't move.

    Args:
        is_built: Returns whether the optimizer is built.
        *arguments: Those of `Hyperparameter`, whose `value` may be `None`.
    """

    def __init__(self, is_built: Any, control: Any, name: str, value: Any, *rest: Any):
        self.is_absent = value is None
        self._is_built = is_built
        super().__init__(control, name, 0.0 if value is None else value, *rest)

    @property
    def is_settable(self) -> bool:
        return super().is_settable and not self.is_absent

    @property
    def is_moving(self) -> bool:
        return super().is_moving and not self.is_absent

    def scalar(self, iteration: Any) -> Any:
        return None if self.is_absent else super().scalar(iteration)

    def set(self, value: Any) -> None:
        if not self._is_built() and self.source is None:
            if value is not None:
                super().set(value)
            self.is_absent = value is None
            return
        if self.is_absent and value is not None:
            self._refuse("be set", f"{self.name}={value!r}")
        if not self.is_absent:
            super().set(value)

    def ramp(
        self, initial: float, final: float, steps: int, begin: int | None, now: int
    ) -> None:
        self._refuse_if_absent(f"initial={initial!r}")
        super().ramp(initial, final, steps, begin, now)

    def plan(self, values: Sequence[float], begin: int | None, now: int) -> None:
        self._refuse_if_absent(f"values={values!r}")
        super().plan(values, begin, now)

    def config(self) -> Any:
        return None if self.is_absent else super().config()

    def _refuse_if_absent(self, received: str) -> None:
        if self.is_absent:
            self._refuse("follow a plan", received)

    def _refuse(self, what: str, received: str) -> None:
        raise TypeError(
            f"`{self.name}` can't {what}, as the optimizer was created with "
            f"`{self.argument}=None`, which leaves it out of the compiled step; create "
            f"the optimizer with `{self.argument}=0.0`. Received: {received}"
        )
