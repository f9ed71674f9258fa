"""Nesterov's accelerated gradient."""

from types import MappingProxyType
from typing import Any, Unpack

import keras

from keras_momentum._hyperparameters import HyperparameterLike
from keras_momentum.optimizers._from_keras import check_sgd, take_over
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.look_ahead_optimizer import LookAheadOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class NAG(LookAheadOptimizer):
    """Nesterov's accelerated gradient, exact for a gamma that moves.

    The method takes the gradient at a point ahead of its iterate θ:

    ```python
    velocity = gamma[t] * velocity + learning_rate * gradient(θ - gamma[t] * velocity)
    θ = θ - velocity
    ```

    Keras takes gradients where the weights of the model are, so that the model holds
    that point, φ = θ − γ_t v_{t−1}, while it trains. In φ the update needs the
    coefficient of the *next* step, and `look_ahead`, that by which the last one looked
    ahead:

    ```python
    φ = φ + look_ahead * velocity           # θ
    velocity = gamma[t] * velocity + learning_rate * g
    φ = φ - velocity - gamma[t + 1] * velocity
    look_ahead = gamma[t + 1]
    ```

    `iterate` gives θ. Keras, PyTorch and optax use γ_t in both places, which is
    Nesterov's method only while gamma is constant; then this is
    `keras.optimizers.SGD(momentum=gamma, nesterov=True)`. PyTorch and optax keep the
    learning rate outside of the velocity, which differs after it has changed.

    A gamma that is set between two steps, or given as a callable, was not known when
    the last step looked ahead; `look_ahead` keeps θ exact all the same. The step before
    a planned restart does not look ahead.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`
            instance, or a callable that takes no arguments and returns the actual
            value to use. Defaults to `0.01`.
        momentum: Gamma: a float in [0, 1], a schedule of `keras_momentum.schedules`
            or `keras.optimizers.schedules`, or a callable that takes no arguments and
            returns the actual value to use. Defaults to `0.9`.
        **kwargs: `restart_every`, `restart_when`, `schedule_restarts`,
            `velocity_dtype`, `skip_nonfinite` (see
            `keras_momentum.optimizers.MomentumOptimizer`), and the keyword arguments
            of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.NAG(learning_rate=0.1, momentum=0.5)
    >>> w = keras.Variable(1.0)
    >>> optimizer.apply([1.0], [w])  # velocity 0.1, θ 0.9
    >>> round(float(optimizer.iterate(w)), 3), round(float(w), 3)
    (0.9, 0.85)

    Reference:

    - Nesterov, 1983, "A method for solving the convex programming problem with
      convergence rate O(1/k²)".
    - Sutskever, Martens, Dahl and Hinton, 2013, "On the importance of initialization
      and momentum in deep learning".
    """

    scalars = ("look_ahead", "forgets")
    look_ahead_of = MappingProxyType({"velocity": "look_ahead"})
    reads_last_slots = True

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: HyperparameterLike = 0.9,
        **kwargs: Unpack[MomentumArguments],
    ):
        super().__init__(learning_rate, momentum, **kwargs)

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        gamma = step.gamma * (1 - step.forgets)
        velocity = gamma * slots.velocity + step.learning_rate * gradient
        # φ_t − φ_{t+1}, from θ_{t+1} = θ_t − v_t and φ = θ − look_ahead · v
        difference = (
            velocity + step.next_gamma * velocity - step.look_ahead * slots.velocity
        )
        return difference, {"velocity": velocity}

    def scalars_after(self, step: Any) -> dict[str, Any]:
        return {"look_ahead": step.next_gamma, "forgets": 0.0}

    @classmethod
    def from_keras(cls, optimizer: keras.optimizers.SGD) -> "NAG":
        """Takes over a built `keras.optimizers.SGD(nesterov=True)` in mid-training.

        The next step is what it would have been. Keras's velocity has the other sign.
        """
        check_sgd(optimizer, nesterov=True)
        slots = {"velocity": ("momentums", -1.0)}
        scalars = {"look_ahead": optimizer.momentum}
        return take_over(cls, optimizer, slots, scalars)
