"""Heavy-ball momentum."""

from typing import Any, Unpack

import keras

from keras_momentum._hyperparameters import HyperparameterLike
from keras_momentum.optimizers._from_keras import check_sgd, take_over
from keras_momentum.optimizers._parts.keyword_arguments import MomentumArguments
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


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
        **kwargs: `restart_every`, `restart_when`, `schedule_restarts`,
            `velocity_dtype`, `skip_nonfinite` (see
            `keras_momentum.optimizers.MomentumOptimizer`), and the keyword arguments
            of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If an argument is not as said; `momentum` outside [0, 1], for
            example.

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
        momentum: HyperparameterLike = 0.9,
        **kwargs: Unpack[MomentumArguments],
    ):
        super().__init__(learning_rate, momentum, **kwargs)

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        velocity = step.gamma * slots.velocity + step.learning_rate * gradient
        return velocity, {"velocity": velocity}

    @classmethod
    def from_keras(cls, optimizer: keras.optimizers.SGD) -> "Momentum":
        """Takes over a built `keras.optimizers.SGD`, in the middle of a run.

        The next step is what it would have been. Keras's velocity has the other sign.
        """
        check_sgd(optimizer, nesterov=False)
        return take_over(cls, optimizer, {"velocity": ("momentums", -1.0)})
