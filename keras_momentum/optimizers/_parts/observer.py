"""Looking at an update."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from keras_momentum._backend import backend
from keras_momentum._hyperparameters import Control
from keras_momentum.optimizers._parts.updates import Preview


class Observation(NamedTuple):
    """An update as it was seen in the step, and counts of all that were.

    Attributes:
        gradient_norm: |g_t|, the Euclidean norm over all weights, after clipping.
        velocity_norm: |v_t|.
        update_ratio: |w_{t+1} − w_t| / |w_t|, of the weights that the model holds; 0 if
            these are.
        cosine: ⟨g_t, v_t⟩ / (|g_t| |v_t|), 0 if one of them is; below 0 the velocity
            points uphill.
        observed: How many updates have been observed.
        uphill: How many of them had a cosine < 0.
    """

    gradient_norm: float
    velocity_norm: float
    update_ratio: float
    cosine: float
    observed: int
    uphill: int


class Observer:
    """Keeps what an update does, if it is asked to.

    Args:
        control: Where its numbers are.

    Attributes:
        is_asked: Whether the next updates are to be kept.
    """

    _NUMBERS = ("alignment", "gradient", "velocity", "update", "weights")

    def __init__(self, control: Control):
        self._control = control
        self.is_asked = False
        control.add_numbers("observation", len(self._NUMBERS))
        control.add_count("observed")
        control.add_count("uphill")

    @property
    def observation(self) -> Observation:
        """The last update that was observed."""
        alignment, *squares = self._control["observation"].tolist()
        gradient, velocity, update, weights = map(math.sqrt, squares)
        return Observation(
            gradient_norm=gradient,
            velocity_norm=velocity,
            update_ratio=_ratio(update, weights),
            cosine=_ratio(alignment, gradient * velocity),
            observed=self._control["observed"],
            uphill=self._control["uphill"],
        )

    def look(
        self, previews: Iterable[Preview], scalars: dict[str, Any]
    ) -> dict[str, Any]:
        """Keeps what `observation` returns; called before the update.

        Args:
            previews: What the update is going to do.
            scalars: Those of `control` in this step.

        Returns:
            What its counts are after the update.
        """
        rows = [
            (
                backend.inner(preview.gradient, preview.velocity),
                backend.squared_norm(preview.gradient),
                backend.squared_norm(preview.velocity),
                backend.squared_norm(preview.difference),
                backend.squared_norm(weights),
            )
            for preview in previews
            for weights in [backend.gather(preview.pack, preview.weights)]
        ]
        seen = [sum(map(backend.real, column)) for column in zip(*rows, strict=True)]
        self._control.write_numbers("observation", seen)
        uphill = backend.whole(seen[0] < 0)
        return {
            "observed": scalars["observed"] + 1,
            "uphill": scalars["uphill"] + uphill,
        }


def alignment(previews: Iterable[Preview]) -> Any:
    """⟨g_t, v_t⟩ over all weights."""
    products = [backend.inner(each.gradient, each.velocity) for each in previews]
    return sum(map(backend.real, products))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
