"""Optimizers of the papers for Keras, with constant coefficients, one weight at a time.

Where Keras has none of its own, these stand beside ours in its place.
"""

import math
from typing import Any, ClassVar

import keras
from keras import ops


class Plain(keras.optimizers.Optimizer):
    """A formula and its slots.

    Args:
        learning_rate: η.
        gamma: γ.
        **kwargs: Those of Keras.
    """

    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def __init__(self, learning_rate: float, gamma: float, **kwargs: Any):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.gamma = gamma

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._slots = [self.add_optimizer_variables(variables, n) for n in self.slots]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        dtype = variable.dtype
        index = self._get_variable_index(variable)
        difference, *new = self.formula(
            ops.cast(gradient, dtype),
            ops.cast(learning_rate, dtype),
            ops.cast(self.iterations + 1, dtype),
            *(slot[index].value for slot in self._slots),
        )
        for slot, value in zip(self._slots, new, strict=True):
            self.assign(slot[index], value)
        self.assign_sub(variable, difference)

    def formula(self, g: Any, eta: Any, t: Any, *slots: Any) -> tuple[Any, ...]:
        """What is subtracted from the weight, and the new slots.

        Args:
            g: The gradient.
            eta: The learning rate.
            t: The number of the update, from 1 on.
            *slots: The slots before the update.
        """
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma}


class AggMo(Plain):
    """Lucas et al. 2019, with three velocities and their mean."""

    slots = ("fast", "middle", "slow")

    def formula(self, g: Any, eta: Any, t: Any, *slots: Any) -> tuple[Any, ...]:
        betas = (0.0, 1 - (1 - self.gamma) ** 0.5, self.gamma)
        new = [beta * v + eta * g for beta, v in zip(betas, slots, strict=True)]
        return sum(new) / 3, *new


class AdEMAMix(Plain):
    """Pagliardini et al. 2024, constant; what there is besides is Keras's."""

    slots = ("m_1", "m_2", "nu")
    beta_2, beta_3, alpha, epsilon = 0.999, 0.9999, 5.0, 1e-8

    def formula(self, g: Any, eta: Any, t: Any, *slots: Any) -> tuple[Any, ...]:
        m_1, m_2, nu = slots
        m_1 = self.gamma * m_1 + (1 - self.gamma) * g
        m_2 = self.beta_3 * m_2 + (1 - self.beta_3) * g
        nu = self.beta_2 * nu + (1 - self.beta_2) * g**2
        # By expm1 and log, as 1 − beta_2^t has few digits in float32 at first.
        corrected = m_1 / (1 - self.gamma**t)
        nu_hat = nu / -ops.expm1(t * math.log(self.beta_2))
        step = (corrected + self.alpha * m_2) / (ops.sqrt(nu_hat) + self.epsilon)
        return eta * step, m_1, m_2, nu


class QHM(Plain):
    """Ma and Yarats 2019, with ν = 0.7."""

    def formula(self, g: Any, eta: Any, t: Any, *slots: Any) -> tuple[Any, ...]:
        (v,) = slots
        v = self.gamma * v + (1 - self.gamma) * g
        return eta * (0.3 * g + 0.7 * v), v
