"""Heavy-ball momentum."""

from typing import Any, Unpack

import keras

from keras_momentum.optimizers.gamma import GammaLike
from keras_momentum.optimizers.keyword_arguments import OptimizerArguments
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer
from keras_momentum.optimizers.packed_optimizer import Coefficients


@keras.saving.register_keras_serializable(package="keras_momentum")
class Momentum(MomentumOptimizer):
    """Gradient descent with heavy-ball momentum.

    Update rule for weight `w` with gradient `g`; `gamma` may differ at every update:

    ```python
    velocity = gamma * velocity + learning_rate * g
    w = w - velocity
    ```

    With a constant `gamma` this is `keras.optimizers.SGD(momentum=gamma)`, with
    `gamma=0.0` plain gradient descent. After `optimizer.gamma = 0.95`, in a callback
    for example, the next step uses 0.95: the compiled step reads gamma from a
    variable. A restart is an update with gamma 0, which forgets the velocity.

    PyTorch and optax keep the learning rate outside of the velocity
    (`w = w - learning_rate * velocity`); while the learning rate is constant this is
    the same, after a change of the learning rate it is not.

    Args:
        learning_rate: A float, a
            `keras.optimizers.schedules.LearningRateSchedule` instance, or a callable
            that takes no arguments and returns the actual value to use. Defaults to
            `0.01`.
        momentum: Gamma: a float in [0, 1], a schedule of `keras_momentum.schedules`
            or `keras.optimizers.schedules`, or a callable that takes no arguments and
            returns the actual value to use. Defaults to `0.9`.
        restart_every: `None` or an integer >= 1. The velocity is set to zero before
            every update t > 0 that is a multiple of it. Defaults to `None`, never.
        **kwargs: The other keyword arguments of `keras.optimizers.Optimizer`:
            `weight_decay`, `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema`,
            `ema_momentum`, `ema_overwrite_frequency`, `loss_scale_factor`,
            `gradient_accumulation_steps`, `name`.

    Raises:
        ValueError: If `momentum` is a float outside [0, 1] or none of the above, or
            `restart_every` is not an integer >= 1.

    Example:

    >>> import keras_momentum
    >>> optimizer = keras_momentum.Momentum(learning_rate=0.1, momentum=0.5)
    >>> w = keras.Variable(1.0)
    >>> optimizer.apply([1.0], [w])  # velocity 0.1
    >>> optimizer.gamma = 0.9
    >>> optimizer.apply([1.0], [w])  # velocity 0.9 * 0.1 + 0.1
    >>> round(float(w), 3)
    0.71

    Reference:

    - Polyak, 1964, "Some methods of speeding up the convergence of iteration methods".
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: GammaLike = 0.9,
        restart_every: int | None = None,
        **kwargs: Unpack[OptimizerArguments],
    ):
        super().__init__(learning_rate, momentum, restart_every, **kwargs)

    momentum = MomentumOptimizer.gamma

    def update(
        self, gradient: Any, slots: tuple[Any, ...], coefficients: Coefficients
    ) -> tuple[Any, tuple[Any, ...]]:
        (velocity,) = slots
        velocity = coefficients.gamma * velocity + coefficients.learning_rate * gradient
        return velocity, (velocity,)
