"""Steps that are left out because a gradient is broken."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_momentum import arguments
from keras_momentum._backend import backend
from keras_momentum._hyperparameters import Control


class Nonfinite:
    """Leaves out a step in which a gradient has a NaN, an infinity, or too much.

    Args:
        control: Where the number of such steps is.
        skip: Whether it does so.
    """

    def __init__(self, control: Control, skip: bool):
        self.skip = arguments.boolean("skip_nonfinite", skip)
        self._control = control
        control.add_count("skipped_steps")

    @property
    def count(self) -> int:
        """The number of steps that were left out."""
        return self._control["skipped_steps"]

    def apply(
        self,
        update: Callable[..., None],
        gradients: Sequence[Any],
        trainable_variables: Any,
        variables: Callable[[], Sequence[Any]],
        limit: Callable[[str], float],
    ) -> None:
        """Calls `update(gradients, trainable_variables)`, or counts that it did not.

        Args:
            update: The update.
            gradients: The gradients, `None` where there is none.
            trainable_variables: Its second argument.
            variables: Returns all variables that it may change.
            limit: Returns the largest element of a gradient of a dtype with which it
                can be done.
        """
        if not self.skip or all(gradient is None for gradient in gradients):
            update(gradients, trainable_variables)
            return
        backend.conditional(
            backend.all_finite(gradients, limit),
            update,
            self._count,
            arguments=(gradients, trainable_variables),
            variables=variables(),
        )

    def _count(self) -> None:
        scalars = self._control.read()
        scalars["skipped_steps"] = scalars["skipped_steps"] + 1
        self._control.write(scalars)
