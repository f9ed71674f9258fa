"""Adam with a moving beta_1."""

from typing import Any, Unpack

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers.coefficients import Coefficients
from keras_momentum.optimizers.from_keras import check, take_over
from keras_momentum.optimizers.gamma import GammaLike
from keras_momentum.optimizers.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class MomentumAdam(MomentumOptimizer):
    """Adam, exact for a beta_1 that moves.

    ```python
    m = beta_1 * m + (1 - beta_1) * g              # the velocity
    s = beta_2 * s + (1 - beta_2) * g**2           # the second moment
    m_hat = m / (1 - p)                            # p: the product of all beta_1
    s_hat = s / (1 - beta_2 ** (t + 1))
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
        beta_2: A float in [0, 1). Defaults to `0.999`.
        epsilon: A float > 0. Defaults to `1e-7`.
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

    scalar_names = ("velocity_weight", "second_moment_weight")
    gamma_argument = "beta_1"
    velocity_is_average = True
    argument_names = ("beta_2", "epsilon", "nesterov", "amsgrad", "reset_second_moment")
    beta_1 = MomentumOptimizer.gamma

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: GammaLike = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        nesterov: bool = False,
        amsgrad: bool = False,
        reset_second_moment: bool = False,
        **kwargs: Unpack[MomentumArguments],
    ):
        super().__init__(learning_rate, beta_1, **kwargs)
        self.beta_2 = arguments.decay("beta_2", beta_2)
        self.epsilon = arguments.positive_float("epsilon", epsilon)
        self.nesterov = arguments.boolean("nesterov", nesterov)
        self.amsgrad = arguments.boolean("amsgrad", amsgrad)
        reset = arguments.boolean("reset_second_moment", reset_second_moment)
        self.reset_second_moment = reset
        self.slot_names = ("velocity", "second_moment") + ("maximum",) * amsgrad

    def update(
        self, gradient: Any, slots: tuple[Any, ...], coefficients: Coefficients
    ) -> tuple[Any, tuple[Any, ...]]:
        m, s, *maximum = slots
        share, of_m, of_next_m, of_s = coefficients.factors
        m = coefficients.gamma * m + share * gradient
        s = self._kept(coefficients) * s + (1 - self.beta_2) * ops.square(gradient)
        m_hat = of_m * m
        if self.nesterov:
            m_hat = of_next_m * m + of_m * share * gradient
        s_hat = of_s * s
        if self.amsgrad:
            s_hat = ops.maximum(maximum[0], s_hat)
        step = coefficients.learning_rate * m_hat / (ops.sqrt(s_hat) + self.epsilon)
        return step, (m, s, s_hat)[: len(slots)]

    def new_scalars(self, coefficients: Coefficients) -> tuple[Any, ...]:
        """1 − p and 1 − beta_2^(t + 1): what m and s are for gradients of 1."""
        m_weight, s_weight = coefficients.scalars
        m_weight = coefficients.gamma * m_weight + _share(coefficients.scheduled[0])
        return m_weight, self._kept(coefficients) * s_weight + (1 - self.beta_2)

    def factors(self, coefficients: Coefficients) -> tuple[Any, ...]:
        """1 − beta_1, 1 / (1 − p), b / (1 − b p) and 1 / (1 − beta_2^(t + 1))."""
        beta_1, b = coefficients.scheduled
        m_weight, s_weight = coefficients.new_scalars
        of_next_m = b / (b * m_weight + _share(b))
        return _share(beta_1), 1 / m_weight, of_next_m, 1 / s_weight

    def _kept(self, coefficients: Coefficients) -> Any:
        """What s keeps: beta_2, or 0 in a restart that resets it."""
        return self.beta_2 * (coefficients.kept if self.reset_second_moment else 1.0)

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
        scalars = (1 - beta_1**t, 1 - beta_2**t)
        nesterov = isinstance(optimizer, keras.optimizers.Nadam)
        return take_over(cls, optimizer, slots, scalars, nesterov=nesterov)


def _share(beta_1: Any) -> Any:
    """1 − beta_1, but above 0: with a beta_1 of 1 m_hat averages what it has seen."""
    return ops.maximum(1 - beta_1, 1e-12)
