"""Adam with a moving beta_1."""

from collections.abc import Mapping
from typing import Any, Unpack

import keras

from keras_momentum import arguments
from keras_momentum._hyperparameters import HyperparameterLike, Moving
from keras_momentum.optimizers._from_keras import check, take_over
from keras_momentum.optimizers._parts.averages import (
    inverse_root,
    root,
    share,
    squarable,
)
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.elementwise import finite, maximum, sqrt, square
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class MomentumAdam(MomentumOptimizer):
    """Adam, exact for a beta_1 that moves.

    ```python
    m = beta_1 * m + (1 - beta_1) * g              # the velocity
    s = beta_2 * s + (1 - beta_2) * g**2           # the second moment
    m_hat = m / (1 - p)                            # p: the product of all beta_1
    s_hat = s / (1 - q)                            # q: the product of all beta_2
    w = w - learning_rate * m_hat / (sqrt(s_hat) + epsilon)
    ```

    The weights of the gradients in m sum to 1 − p for any sequence of beta_1; everyone
    else divides by 1 − beta_1 ** (t + 1). The sums are what is kept, more exact near 1.

    With `nesterov=True` (Dozat), where `b` is the beta_1 of the next step:
    ```python
    m_hat = b * m / (1 - b * p) + (1 - beta_1) * g / (1 - p)
    ```

    A restart forgets m and p, so that m_hat = g right after it.

    With a constant beta_1 this is `torch.optim.Adam` and `optax.adam` (`optax.nadam`).
    Keras's Adam has epsilon beside the uncorrected sqrt(s), where it weighs more at
    first; its `amsgrad`, as PyTorch's, is of the uncorrected s. Keras's and PyTorch's
    Nadam have a schedule for the beta_1 of m_hat that m does not follow.

    Args:
        learning_rate: A float, a schedule, or a callable. Defaults to `0.001`.
        beta_1: Gamma: a float in [0, 1], a schedule, or a callable. Defaults to `0.9`.
        beta_2: A float in [0, 1), a schedule, or a callable. Defaults to `0.999`.
        epsilon: A float > 0, a schedule, or a callable. Defaults to `1e-7`.
        nesterov: Whether to look ahead. Defaults to `False`.
        amsgrad: Whether to take the maximum of all s_hat. Defaults to `False`.
        reset_second_moment: Whether a restart forgets s too. Defaults to `False`.
        **kwargs: See `keras_momentum.optimizers.MomentumOptimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.MomentumAdam(learning_rate=0.1, beta_1=0.5)
    >>> w = keras.Variable(1.0)
    >>> for optimizer.gamma in (0.5, 0.95):
    ...     optimizer.apply([3.0], [w])  # a constant gradient: steps of 0.1
    >>> round(float(w), 4)
    0.8

    Reference:

    - Kingma and Ba, 2015, "Adam: a method for stochastic optimization".
    - Dozat, 2016, "Incorporating Nesterov momentum into Adam" (`nesterov`).
    - Reddi, Kale and Kumar, 2018, "On the convergence of Adam and beyond" (`amsgrad`).
    """

    beta_2 = Moving("[0, 1)", "What is kept of the second moment at an update.")
    epsilon = Moving("(0, inf)", "What is added to the root of the second moment.")

    # 1 − p and 1 − q: what m and s are for gradients of 1.
    scalars = ("velocity_weight", "second_moment_weight")
    gamma_argument = "beta_1"
    argument_names = ("nesterov", "amsgrad", "reset_second_moment")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: HyperparameterLike = 0.9,
        beta_2: HyperparameterLike = 0.999,
        epsilon: HyperparameterLike = 1e-7,
        nesterov: bool = False,
        amsgrad: bool = False,
        reset_second_moment: bool = False,
        **kwargs: Unpack[MomentumArguments],
    ):
        others = {"beta_2": beta_2, "epsilon": epsilon}
        super().__init__(learning_rate, beta_1, others, **kwargs)
        self.nesterov = arguments.boolean("nesterov", nesterov)
        self.amsgrad = arguments.boolean("amsgrad", amsgrad)
        reset = arguments.boolean("reset_second_moment", reset_second_moment)
        self.reset_second_moment = reset
        self.slots = ("velocity", "second_moment") + ("maximum",) * amsgrad

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        m = step.gamma * slots.velocity + step.share * gradient
        s = self._kept(step) * slots.second_moment + square(step.root * gradient)
        s = finite(s)
        m_hat = step.of_m * m
        if self.nesterov:
            m_hat = step.of_next_m * m + (step.of_m * step.share) * gradient
        new_slots = {"velocity": m, "second_moment": s}
        root_of_s_hat = step.root_of_s * sqrt(s)  # s_hat itself may be too large
        if self.amsgrad:
            s_hat = maximum(slots.maximum, finite(square(root_of_s_hat)))
            new_slots["maximum"] = s_hat
            root_of_s_hat = sqrt(s_hat)
        return step.learning_rate * m_hat / (root_of_s_hat + step.epsilon), new_slots

    def scalars_after(self, step: Any) -> dict[str, Any]:
        m_weight = step.gamma * step.velocity_weight + share(step.one_minus_gamma)
        s_weight = self._kept(step) * step.second_moment_weight + step.one_minus_beta_2
        return {"velocity_weight": m_weight, "second_moment_weight": s_weight}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """1 − beta_1, 1 / (1 − p), b / (1 − b p), 1 / √(1 − q) and √(1 − beta_2)."""
        b, m_weight = step.scheduled_next_gamma, after["velocity_weight"]
        return {
            "share": share(step.one_minus_gamma),
            "of_m": 1 / m_weight,
            "of_next_m": b / (b * m_weight + share(1 - b)),
            "root_of_s": inverse_root(after["second_moment_weight"]),
            "root": root(step.one_minus_beta_2),
        }

    def gain(self, gamma: float) -> float:
        return 1.0  # The velocity is an average.

    def slots_of_absent(self, slots: Any, step: Any) -> dict[str, Any]:
        forgotten = {"velocity": step.kept * slots.velocity}
        if self.reset_second_moment:
            forgotten["second_moment"] = step.kept * slots.second_moment
        return forgotten

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        forgotten = {"velocity_weight": step.kept * step.velocity_weight}
        if self.reset_second_moment:
            weight = step.kept * step.second_moment_weight
            forgotten["second_moment_weight"] = weight
        return forgotten

    def largest_gradient(self, dtype: str) -> float:
        return squarable(dtype)

    def _kept(self, step: Any) -> Any:
        """What s keeps: beta_2, or 0 in a restart that resets it."""
        return step.beta_2 * (step.kept if self.reset_second_moment else 1.0)

    @classmethod
    def from_keras(cls, optimizer: Any) -> "MomentumAdam":
        """Takes over a built `keras.optimizers.Adam` or `Nadam` in mid-training.

        The next step is what it would have been, but for epsilon's place and Nadam's
        own schedule, which ends after some 300 steps; of amsgrad see above.
        """
        check(optimizer, keras.optimizers.Adam, keras.optimizers.Nadam)
        t = int(optimizer.iterations)
        beta_1, beta_2 = optimizer.beta_1, optimizer.beta_2
        slots = {
            "velocity": ("_momentums", 1.0),
            "second_moment": ("_velocities", 1.0),
            "maximum": ("_velocity_hats", 1 / (1 - beta_2 ** (t + 1))),
        }
        scalars = {
            "velocity_weight": 1 - beta_1**t,
            "second_moment_weight": 1 - beta_2**t,
        }
        nesterov = isinstance(optimizer, keras.optimizers.Nadam)
        return take_over(cls, optimizer, slots, scalars, nesterov=nesterov)
