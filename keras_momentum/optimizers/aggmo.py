"""Aggregated momentum."""

from collections.abc import Mapping
from typing import Any, Unpack

import keras

from keras_momentum import arguments
from keras_momentum._hyperparameters import HyperparameterLike, MovingVector
from keras_momentum._numbers import number
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.look_ahead_optimizer import LookAheadOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class AggMo(LookAheadOptimizer):
    """Aggregated momentum: several velocities, each with a gamma of its own.

    ```python
    for i in range(count):
        gammas[i] = 1 - (1 - gamma) ** (i / (count - 1))   # 0, ..., gamma
        velocities[i] = gammas[i] * velocities[i] + learning_rate * g
    w = w - sum(weights[i] * velocities[i])
    ```

    `momentum` is the largest gamma and moves; the others follow, so that 0.99 and three
    velocities have 0, 0.9 and 0.99. Velocities of a small gamma damp the oscillations
    of those of a large one, which is how gamma can be 0.999 and more. `weights` move
    too: a mixture whose mean age changes during the run.

    With `nesterov=True` the gradient is taken ahead, where the weights would be without
    it, exactly for all that moves (see `NAG`); `iterate` gives the weights themselves.

    With `count=1` this is `Momentum`. A restart forgets all velocities. The authors'
    code keeps the learning rate outside of the velocities, which differs after it has
    changed.

    Args:
        learning_rate: A float, a schedule, or a callable. Defaults to `0.01`.
        momentum: The largest gamma: a float in [0, 1], a schedule, or a callable.
            Defaults to `0.99`.
        count: An integer >= 1, the number of velocities. Defaults to `3`.
        weights: `None`, `count` numbers, or a schedule that returns so many at every
            step. Defaults to `None`, which is the mean, `1 / count` for each.
        nesterov: Whether to look ahead. Defaults to `False`.
        **kwargs: See `keras_momentum.optimizers.MomentumOptimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.AggMo(learning_rate=0.1, momentum=0.99)
    >>> w = keras.Variable(1.0)
    >>> optimizer.apply([3.0], [w])  # velocities 0.3, 0.3, 0.3
    >>> optimizer.apply([3.0], [w])  # 0.3, 0.57, 0.597
    >>> round(float(w), 3)
    0.211

    Reference:

    - Lucas, Sun, Zemel and Grosse, 2019, "Aggregated momentum: stability through
      passive damping".
    """

    weights = MovingVector(
        "(-inf, inf)",
        """The weights of the velocities, a tuple of scalars.

        They can be set to as many numbers at any time, and ramped and planned as a
        whole.
        """,
        looks_ahead=True,
    )

    argument_names = ("count", "nesterov")

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: HyperparameterLike = 0.99,
        count: int = 3,
        weights: Any = None,
        nesterov: bool = False,
        **kwargs: Unpack[MomentumArguments],
    ):
        velocity_count = arguments.integer("count", count, minimum=1)
        mixture = [1 / velocity_count] * velocity_count if weights is None else weights
        super().__init__(learning_rate, momentum, {"weights": mixture}, **kwargs)
        if len(self.weights) != velocity_count:
            raise ValueError(
                f"Argument `weights` must have `count` numbers, {count}. "
                f"Received: weights={weights!r}"
            )
        self.count = velocity_count
        self.nesterov = arguments.boolean("nesterov", nesterov)
        self.slots = tuple(f"velocity_{i}" for i in range(count))
        self.velocities = self.slots
        if nesterov:
            self.look_ahead_of = {
                f"velocity_{i}": f"look_ahead_{i}" for i in range(count)
            }
            self.scalars = (*self.look_ahead_of.values(), "forgets")

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        difference, velocities = 0.0, {}
        for i, name in enumerate(self.slots):
            gamma, weight, old = step[f"gamma_{i}"], step[f"weights_{i}"], slots[name]
            if self.nesterov:
                gamma = gamma * (1 - step.forgets)
            velocity = gamma * old + step.learning_rate * gradient
            difference = difference + weight * velocity
            if self.nesterov:
                # φ_t − φ_{t+1}, from θ_{t+1} = θ_t − Σ w v and φ = θ − Σ look_ahead · v
                ahead, look_ahead = step[f"ahead_{i}"], step[f"look_ahead_{i}"]
                difference = difference + ahead * velocity - look_ahead * old
            velocities[name] = velocity
        return difference, velocities

    def scalars_after(self, step: Any) -> dict[str, Any]:
        if not self.nesterov:
            return {}
        ahead = {
            f"look_ahead_{i}": step[f"next_weights_{i}"]
            * self._gamma(step.next_gamma, i)
            for i in range(self.count)
        }
        return {**ahead, "forgets": 0.0}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """The gamma of each velocity, and by how much it will be ahead."""
        gammas = {f"gamma_{i}": self._gamma(step.gamma, i) for i in range(self.count)}
        ahead = {
            name.replace("look_", ""): value
            for name, value in after.items()
            if name != "forgets"
        }
        return {**gammas, **ahead}

    def velocity_of(self, slots: Any, step: Any) -> Any:
        return sum(step[f"weights_{i}"] * slots[n] for i, n in enumerate(self.slots))

    def gain(self, gamma: float) -> float:
        gain = super().gain
        weights = [number(weight) for weight in self.weights]
        return sum(
            weight * gain(self._gamma(gamma, i))
            for i, weight in enumerate(weights)
            if weight
        )

    def _gamma(self, gamma: Any, i: int) -> Any:
        """The gamma of the velocity number `i`."""
        if self.count == 1:
            return gamma
        return 1 - (1 - gamma) ** (i / (self.count - 1))
