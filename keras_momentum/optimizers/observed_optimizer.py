"""The abstract optimizer that can be watched."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from keras import ops
from keras.backend import standardize_dtype

from keras_momentum.optimizers import backend
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.packed_optimizer import PackedOptimizer
from keras_momentum.optimizers.packing import Pack


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


class ObservedOptimizer(PackedOptimizer):
    """Abstract base of optimizers that tell how an update went.

    Attributes:
        is_observed: Whether an update keeps what `observation` returns. In a compiled
            step it counts what this was when the step was traced; else there is nothing
            of it in the step.
    """

    is_observed = False

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._seen = control_variable(self, "seen", shape=(5,))
        self._counts = control_variable(self, "observed", shape=(2,), dtype="int")

    def observation(self) -> Observation:
        """The last update that was observed."""
        alignment, *squares = ops.convert_to_numpy(self._seen).tolist()
        gradient, velocity, update, weights = map(math.sqrt, squares)
        observed, uphill = ops.convert_to_numpy(self._counts)
        return Observation(
            gradient_norm=gradient,
            velocity_norm=velocity,
            update_ratio=_ratio(update, weights),
            cosine=_ratio(alignment, gradient * velocity),
            observed=int(observed),
            uphill=int(uphill),
        )

    @property
    def weights_with_velocity(self) -> list[Any]:
        """The variables that the optimizer was built with, but for scales of float8."""
        self._check_built()
        return self._slots.weights()

    def velocity(self, variable: Any) -> Any:
        """The velocity of a weight, a tensor of its shape.

        Args:
            variable: A variable that the optimizer was built with.
        """
        self._check_built()
        self._check_variables_are_known([variable])
        return self._slots.of(self._get_variable_index(variable), self.slot_names[0])

    def velocity_norm(self) -> Any:
        """The Euclidean norm of all velocities together, a float32 scalar."""
        self._check_built()
        velocities = [slots[0] for _, slots in self._slots.packs]
        return ops.sqrt(sum(_square(velocity.value) for velocity in velocities))

    def alignment(self, gradients: dict[int, Any], coefficients: Coefficients) -> Any:
        """⟨g_t, v_t⟩ over all weights, where v_t is the first slot after the update."""
        products = [
            ops.sum(gradient * velocity)
            for _, gradient, velocity, _ in self._updates(gradients, coefficients)
        ]
        dtypes = {standardize_dtype(product.dtype) for product in products}
        widest = "float64" if "float64" in dtypes else "float32"
        return sum(ops.cast(product, widest) for product in products)

    def look(self, gradients: dict[int, Any], coefficients: Coefficients) -> None:
        """Keeps what `observation` returns; called before the update."""
        # ⟨g, v⟩, |g|², |v|², |Δw|² and |w|² of each pack
        rows: list[list[Any]] = []
        for pack, gradient, velocity, difference in self._updates(
            gradients, coefficients
        ):
            weights = pack.chosen(self._trainable_variables)
            difference = self._decayed(difference, pack, weights, coefficients)
            vectors = (gradient, velocity, difference, pack.flatten(weights))
            sums = [ops.sum(gradient * velocity), *map(_square, vectors)]
            rows.append([ops.cast(total, self._seen.dtype) for total in sums])
        seen = ops.stack([sum(column) for column in zip(*rows, strict=True)])
        self._seen.assign(seen)
        uphill = ops.cast(seen[0] < 0, self._counts.dtype)
        self._counts.assign_add(ops.stack([ops.ones_like(uphill), uphill]))

    def _updates(
        self, gradients: dict[int, Any], coefficients: Coefficients
    ) -> Iterator[tuple[Pack, Any, Any, Any]]:
        """Each pack with g_t, v_t and what will be subtracted from its weights."""
        summed = backend.summed_over_replicas(list(gradients.values()))
        for number, gradient in zip(gradients, summed, strict=True):
            pack, slots = self._slots.packs[number]
            difference, (velocity, *_) = self._updated(
                pack, gradient, slots, coefficients
            )
            yield pack, ops.cast(gradient, velocity.dtype), velocity, difference

    def _check_built(self) -> None:
        if not self.built:
            raise ValueError(
                "The optimizer must be built before a velocity is read. Call "
                "`optimizer.build(trainable_variables)` first."
            )


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0


def _square(vector: Any) -> Any:
    """The sum of squares, in at least float32."""
    if standardize_dtype(vector.dtype) != "float64":
        vector = ops.cast(vector, "float32")
    return ops.sum(ops.square(vector))
