"""An optimizer of one's own: quasi-hyperbolic momentum, with a gamma that moves.

    python examples/write_your_own.py

docs/write-your-own.md says what else an optimizer may say.
"""

from typing import Any

import keras
import numpy as np

from keras_momentum.callbacks import GammaRamp
from keras_momentum.optimizers import MomentumOptimizer, Moving


@keras.saving.register_keras_serializable(package="write_your_own")
class QHM(MomentumOptimizer):
    """Quasi-hyperbolic momentum: a step between the gradient and its average.

    ```python
    velocity = gamma * velocity + (1 - gamma) * g
    w = w - learning_rate * ((1 - nu) * g + nu * velocity)
    ```

    Args:
        learning_rate: A float, a schedule, or a callable.
        momentum: Gamma: a float in [0, 1], a schedule, or a callable.
        nu: The share of the average, likewise: 0 is gradient descent.
        **kwargs: See `keras_momentum.optimizers.MomentumOptimizer`.

    Reference:

    - Ma and Yarats, 2019, "Quasi-hyperbolic momentum and Adam for deep learning".
    """

    nu = Moving("[0, 1]", "The share of the average.")

    def __init__(
        self,
        learning_rate: Any = 1.0,
        momentum: Any = 0.999,
        nu: Any = 0.7,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, momentum, {"nu": nu}, **kwargs)

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        # In a restart `gamma` is 0, and `one_minus_gamma` what it would have been.
        velocity = step.gamma * slots.velocity + step.one_minus_gamma * gradient
        mixed = step.one_minus_nu * gradient + step.nu * velocity
        return step.learning_rate * mixed, {"velocity": velocity}

    def gain(self, gamma: float) -> float:
        return 1.0  # The velocity is an average.


def main() -> None:
    """Fits a plane, while gamma goes from 0 to 0.95."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(256, 4))
    y = x @ np.array([1.0, -2.0, 3.0, -4.0])
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(QHM(0.1), "mse")
    ramp = GammaRamp(0.0, 0.95, verbose=1)
    losses = model.fit(x, y, epochs=10, verbose=0, callbacks=[ramp]).history["loss"]
    gamma = float(model.optimizer.gamma)
    print(f"Loss from {losses[0]:.2g} to {losses[-1]:.2g}; gamma is now {gamma:.2f}.")


if __name__ == "__main__":
    main()
