"""Adam with a mixture of two velocities."""

from collections.abc import Mapping
from typing import Any, Unpack

import keras

from keras_momentum import arguments
from keras_momentum._hyperparameters import HyperparameterLike, Moving
from keras_momentum._numbers import number
from keras_momentum.optimizers._parts.averages import (
    inverse_root,
    root,
    share,
    squarable,
)
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.elementwise import finite, sqrt, square
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.schedules import HalfLifeRamp, LinearRamp


@keras.saving.register_keras_serializable(package="keras_momentum")
class AdEMAMix(MomentumOptimizer):
    """Adam with a fast and a slow velocity, whose coefficients move.

    ```python
    fast = beta_1 * fast + (1 - beta_1) * g        # the velocity
    slow = beta_3 * slow + (1 - beta_3) * g        # that of gradients long ago
    s = beta_2 * s + (1 - beta_2) * g**2           # the second moment
    fast_hat = fast / (1 - p)                      # p: the product of all beta_1
    s_hat = s / (1 - q)                            # q: the product of all beta_2
    w = w - learning_rate * (fast_hat + alpha * slow) / (sqrt(s_hat) + epsilon)
    ```

    A beta_3 of 0.9999 needs some 10,000 updates to pay, and a warm-up: at once, it
    makes early steps too large. `with_warmup` has that of the authors: alpha grows from
    0 in a straight line, beta_3 from beta_1 so that its half-life does.

    A restart forgets both velocities, and p. `velocity` is fast + alpha · slow. While
    all coefficients are constant this is `optax.contrib.ademamix`.

    Args:
        learning_rate: A float, a schedule, or a callable. Defaults to `0.001`.
        beta_1: Gamma, that of the fast velocity: a float in [0, 1], a schedule, or a
            callable. Defaults to `0.9`.
        beta_2: A float in [0, 1), a schedule, or a callable. Defaults to `0.999`.
        beta_3: That of the slow velocity: a float in [0, 1], a schedule, or a callable.
            Defaults to `0.9999`.
        alpha: The weight of the slow velocity: a float >= 0, a schedule, or a callable.
            Defaults to `5.0`.
        epsilon: A float > 0, a schedule, or a callable. Defaults to `1e-8`.
        **kwargs: See `keras_momentum.optimizers.MomentumOptimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.AdEMAMix(0.1, beta_3=0.5, alpha=1.0)
    >>> w = keras.Variable(1.0)
    >>> optimizer.apply([3.0], [w])  # 0.1 * (1 + 0.5)
    >>> round(float(w), 4)
    0.85

    Reference:

    - Pagliardini, Ablin and Grangier, 2024, "The AdEMAMix optimizer: better, faster,
      older".
    """

    beta_2 = Moving("[0, 1)", "What is kept of the second moment at an update.")
    beta_3 = Moving("[0, 1]", "What is kept of the slow velocity at an update.")
    alpha = Moving("[0, inf)", "The weight of the slow velocity.")
    epsilon = Moving("(0, inf)", "What is added to the root of the second moment.")

    slots = ("velocity", "slow_velocity", "second_moment")
    velocities = ("velocity", "slow_velocity")
    # 1 − p and 1 − q: what `velocity` and `second_moment` are for gradients of 1.
    scalars = ("velocity_weight", "second_moment_weight")
    gamma_argument = "beta_1"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: HyperparameterLike = 0.9,
        beta_2: HyperparameterLike = 0.999,
        beta_3: HyperparameterLike = 0.9999,
        alpha: HyperparameterLike = 5.0,
        epsilon: HyperparameterLike = 1e-8,
        **kwargs: Unpack[MomentumArguments],
    ):
        others = {
            "beta_2": beta_2,
            "beta_3": beta_3,
            "alpha": alpha,
            "epsilon": epsilon,
        }
        super().__init__(learning_rate, beta_1, others, **kwargs)

    @classmethod
    def with_warmup(
        cls,
        steps: int,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: HyperparameterLike = 0.999,
        beta_3: float = 0.9999,
        alpha: float = 5.0,
        **kwargs: Any,
    ) -> "AdEMAMix":
        """One whose slow velocity is warmed up, as its authors do.

        Args:
            steps: The length of the warm-up in updates; the authors take that of the
                whole run.
            learning_rate: As in the constructor.
            beta_1: A float in [0, 1), where beta_3 begins.
            beta_2: As in the constructor.
            beta_3: A float in [0, 1), where it ends.
            alpha: A float, where it ends; it begins at 0.
            **kwargs: As in the constructor.

        >>> import keras_momentum
        >>> optimizer = keras_momentum.AdEMAMix.with_warmup(steps=1000)
        >>> round(float(optimizer.beta_3), 3), float(optimizer.alpha)
        (0.9, 0.0)
        """
        arguments.decay("beta_1", beta_1)
        arguments.decay("beta_3", beta_3)
        alpha = cls.alpha.bounds.checked("alpha", alpha)
        return cls(
            learning_rate,
            beta_1,
            beta_2,
            HalfLifeRamp(beta_1, beta_3, steps=steps),
            LinearRamp(0.0, alpha, steps=steps),
            **kwargs,
        )

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        fast = step.gamma * slots.velocity + step.share * gradient
        slow = step.kept_slow * slots.slow_velocity + step.one_minus_beta_3 * gradient
        s = finite(step.beta_2 * slots.second_moment + square(step.root * gradient))
        mixture = step.of_fast * fast + step.alpha * slow
        difference = (
            step.learning_rate * mixture / (step.root_of_s * sqrt(s) + step.epsilon)
        )
        return difference, {
            "velocity": fast,
            "slow_velocity": slow,
            "second_moment": s,
        }

    def scalars_after(self, step: Any) -> dict[str, Any]:
        fast_weight = step.gamma * step.velocity_weight + share(step.one_minus_gamma)
        s_weight = step.beta_2 * step.second_moment_weight + step.one_minus_beta_2
        return {"velocity_weight": fast_weight, "second_moment_weight": s_weight}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """Of the averages, and what a restart keeps of the slow one."""
        return {
            "share": share(step.one_minus_gamma),
            "kept_slow": step.kept * step.beta_3,
            "of_fast": 1 / after["velocity_weight"],
            "root_of_s": inverse_root(after["second_moment_weight"]),
            "root": root(step.one_minus_beta_2),
        }

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        return {"velocity_weight": step.kept * step.velocity_weight}

    def velocity_of(self, slots: Any, step: Any) -> Any:
        return slots.velocity + step.alpha * slots.slow_velocity

    def gain(self, gamma: float) -> float:
        return 1.0 + number(self.alpha)  # Both velocities are averages.

    def largest_gradient(self, dtype: str) -> float:
        return squarable(dtype)
