"""RMSprop with a moving momentum."""

from collections.abc import Mapping
from typing import Any, Unpack

import keras

from keras_momentum import arguments
from keras_momentum._hyperparameters import HyperparameterLike, Moving
from keras_momentum.optimizers._from_keras import check, take_over
from keras_momentum.optimizers._parts.averages import root, squarable
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.elementwise import finite, maximum, sqrt, square
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class MomentumRMSprop(MomentumOptimizer):
    """RMSprop with a momentum that moves.

    ```python
    s = rho * s + (1 - rho) * g**2                 # the second moment
    velocity = gamma * velocity + learning_rate * g / sqrt(s + epsilon)
    w = w - velocity
    ```

    With `centered=True` the variance, s − a², stands in place of s, where a is the
    running mean of the gradients, `a = rho * a + (1 - rho) * g`.

    With a constant gamma this is `keras.optimizers.RMSprop` and `optax.rmsprop`.
    PyTorch puts epsilon beside the root, sqrt(s) + epsilon, and keeps the learning rate
    outside of the velocity.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`
            instance, or a callable that takes no arguments and returns the actual
            value to use. Defaults to `0.001`.
        rho: A float in [0, 1), a schedule, or a callable. Defaults to `0.9`.
        momentum: Gamma: a float in [0, 1], a schedule of `keras_momentum.schedules`
            or `keras.optimizers.schedules`, or a callable that takes no arguments and
            returns the actual value to use. Defaults to `0.9`.
        epsilon: A float > 0, a schedule, or a callable. Defaults to `1e-7`.
        centered: Whether to divide by the standard deviation. Defaults to `False`.
        **kwargs: `restart_every`, `restart_when`, `schedule_restarts`,
            `velocity_dtype`, `skip_nonfinite` (see
            `keras_momentum.optimizers.MomentumOptimizer`), and the keyword arguments
            of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.MomentumRMSprop(learning_rate=0.1, rho=0.75)
    >>> w = keras.Variable(1.0)
    >>> optimizer.apply([3.0], [w])  # 0.1 * 3 / sqrt(0.25 * 9)
    >>> round(float(w), 3)
    0.8

    Reference:

    - Hinton, 2012, "Neural networks for machine learning", lecture 6e.
    """

    rho = Moving("[0, 1)", "What is kept of the second moment at an update.")
    epsilon = Moving("(0, inf)", "What is added to the second moment.")

    argument_names = ("centered",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: HyperparameterLike = 0.9,
        momentum: HyperparameterLike = 0.9,
        epsilon: HyperparameterLike = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[MomentumArguments],
    ):
        others = {"rho": rho, "epsilon": epsilon}
        super().__init__(learning_rate, momentum, others, **kwargs)
        self.centered = arguments.boolean("centered", centered)
        self.slots = ("velocity", "second_moment") + ("mean",) * centered

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        s = finite(step.rho * slots.second_moment + square(step.root * gradient))
        new_slots = {"second_moment": s}
        variance = s
        if self.centered:
            mean = step.rho * slots.mean + step.one_minus_rho * gradient
            variance = maximum(s - square(mean), 0.0)  # Rounding may go below.
            new_slots["mean"] = mean
        scaled = gradient / sqrt(variance + step.epsilon)
        velocity = step.gamma * slots.velocity + step.learning_rate * scaled
        return velocity, {"velocity": velocity, **new_slots}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """√(1 − rho): (root · g)² is finite for larger g than (1 − rho) g² is."""
        return {"root": root(step.one_minus_rho)}

    def largest_gradient(self, dtype: str) -> float:
        return squarable(dtype)

    @classmethod
    def from_keras(cls, optimizer: keras.optimizers.RMSprop) -> "MomentumRMSprop":
        """Takes over a built `keras.optimizers.RMSprop`, in the middle of a run.

        The next step is what it would have been.
        """
        check(optimizer, keras.optimizers.RMSprop)
        slots = {
            "velocity": ("_momentums", 1.0),
            "second_moment": ("_velocities", 1.0),
            "mean": ("_average_gradients", 1.0),
        }
        return take_over(cls, optimizer, slots)
