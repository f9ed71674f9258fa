"""The abstract optimizer that can be watched."""

import math
from typing import Any, NamedTuple

from keras import ops
from keras.backend import standardize_dtype

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.packed_optimizer import PackedOptimizer


class Observation(NamedTuple):
    """An update as it was seen in the compiled step, and counts of all of them.

    Attributes:
        gradient_norm: |g_t|, the Euclidean norm over all weights, after clipping.
        velocity_norm: |v_t|.
        update_ratio: |w_{t+1} − w_t| / |w_t|, of the weights that the model holds; 0 if
            these are.
        cosine: ⟨g_t, v_t⟩ / (|g_t| |v_t|), 0 if one of them is; below 0 the velocity
            points uphill.
        observed: How many updates have been observed.
        uphill: How many of them had a cosine < 0.
        restarts: How many restarts there were since the first request to observe.
    """

    gradient_norm: float
    velocity_norm: float
    update_ratio: float
    cosine: float
    observed: int
    uphill: int
    restarts: int


class ObservedOptimizer(PackedOptimizer):
    """Abstract base of optimizers that tell how an update went.

    Nothing is computed unless somebody calls `observe`, and then in some updates only.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self._is_observed = False
        self._every = control_variable(self, "observe_every", dtype="int")
        self._seen = control_variable(self, "seen", shape=(5,))
        self._counts = control_variable(self, "counts", shape=(3,), dtype="int")

    def observe(self, every: int | None) -> bool:
        """Lets the compiled step keep what `observation` returns.

        Args:
            every: An integer >= 1: the updates t for which t + 1 is a multiple of it
                are observed. `None`: no further ones.

        Returns:
            Whether this is the first request. A step that has been traced before it
            does not know of it; `model.make_train_function(force=True)` mends that.
        """
        if every is not None:
            arguments.integer("every", every, minimum=1)
        self._every.assign(every or 0)
        is_first = not self._is_observed and every is not None
        self._is_observed = self._is_observed or is_first
        return is_first

    def observation(self) -> Observation:
        """The last update that was observed."""
        alignment, *squares = ops.convert_to_numpy(self._seen).tolist()
        gradient, velocity, update, weights = map(math.sqrt, squares)
        observed, uphill, restarts = ops.convert_to_numpy(self._counts)
        return Observation(
            gradient_norm=gradient,
            velocity_norm=velocity,
            update_ratio=_ratio(update, weights),
            cosine=_ratio(alignment, gradient * velocity),
            observed=int(observed),
            uphill=int(uphill),
            restarts=int(restarts),
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
        products = []
        summed = backend.summed_over_replicas(list(gradients.values()))
        for number, gradient in zip(gradients, summed, strict=True):
            pack, slots = self._slots.packs[number]
            _, (velocity, *_) = self._updated(pack, gradient, slots, coefficients)
            products.append(ops.sum(ops.cast(gradient, velocity.dtype) * velocity))
        dtypes = {standardize_dtype(product.dtype) for product in products}
        widest = "float64" if "float64" in dtypes else "float32"
        return sum(ops.cast(product, widest) for product in products)

    def look(self, gradients: dict[int, Any], coefficients: Coefficients) -> None:
        """Keeps what `observation` returns; called before the update."""
        if not self._is_observed:
            return
        every, last = backend.tensor(self._every), backend.tensor(self._seen)
        next_iteration = backend.tensor(self.iterations) + 1
        due = ops.logical_and(
            every > 0, ops.equal(ops.mod(next_iteration, ops.maximum(every, 1)), 0)
        )
        if backend.is_distributed():
            # A sum over replicas can't stand in a condition.
            seen = ops.where(due, self._look(gradients, coefficients), last)
        else:
            seen = ops.cond(
                due, lambda: self._look(gradients, coefficients), lambda: last
            )
        self._seen.assign(seen)
        uphill = ops.logical_and(due, seen[0] < 0)
        self._counts.assign_add(
            ops.stack(
                [
                    ops.cast(event, self._counts.dtype)
                    for event in (due, uphill, coefficients.kept < 0.5)
                ]
            )
        )

    def _look(self, gradients: dict[int, Any], coefficients: Coefficients) -> Any:
        """⟨g, v⟩, |g|², |v|², |Δw|² and |w|², a vector."""
        totals: list[Any] = []
        summed = backend.summed_over_replicas(list(gradients.values()))
        for number, gradient in zip(gradients, summed, strict=True):
            pack, slots = self._slots.packs[number]
            weights = pack.chosen(self._trainable_variables)
            difference, (velocity, *_) = self._updated(
                pack, gradient, slots, coefficients
            )
            difference = self._decayed(difference, pack, weights, coefficients)
            gradient = ops.cast(gradient, velocity.dtype)
            vectors = (gradient, velocity, difference, pack.flatten(weights))
            sums = [ops.sum(gradient * velocity), *map(_square, vectors)]
            totals.append([ops.cast(total, self._seen.dtype) for total in sums])
        return ops.stack([sum(column) for column in zip(*totals, strict=True)])

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
