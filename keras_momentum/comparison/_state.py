"""The state of a model, put back in place."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum.comparison._optimizers import within


class RandomState:
    """The random numbers of Python, NumPy and PyTorch, which can be put back.

    Of TensorFlow, Keras uses none but those that follow from variables.

    Args:
        values: `None` for the present state, or `values` of another one. Defaults to
            `None`.

    Attributes:
        values: The states, as plain values and NumPy arrays.
    """

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.values = _random_numbers() if values is None else values

    def restore(self) -> None:
        """Lets the same random numbers come again."""
        random.setstate(self.values["python"])
        np.random.set_state(self.values["numpy"])
        if "torch" in self.values:
            import torch

            state, *of_devices = map(torch.from_numpy, self.values["torch"])
            torch.set_rng_state(state)
            torch.cuda.set_rng_state_all(of_devices)


def _random_numbers() -> dict[str, Any]:
    found = {"python": random.getstate(), "numpy": np.random.get_state()}
    if keras.backend.backend() == "torch":
        import torch

        states = (torch.get_rng_state(), *torch.cuda.get_rng_state_all())
        found["torch"] = [state.numpy() for state in states]
    return found


class ModelState:
    """The values of a compiled model's variables, which can be put back in place.

    Weights, the state of random layers, and the optimizer's variables get their values
    back in the same variables, so that the compiled training step is used again: a
    training that begins from the restored state is what it would be in a new model,
    bit for bit, and nothing is traced or compiled for it. The random numbers of Python,
    NumPy and, on its backend, PyTorch are put back, too.

    Args:
        model: A compiled `keras.Model` whose weights exist.

    Raises:
        ValueError: If the model is not compiled, or has no weights yet.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(learning_rate=0.01), loss="mse")
    >>> state = keras_momentum.comparison.ModelState(model)
    >>> x, y = np.ones((8, 4)), np.ones((8, 1))
    >>> losses = []
    >>> for _ in range(2):
    ...     state.restore()
    ...     losses += model.fit(x, y, verbose=0).history["loss"]
    >>> losses[0] == losses[1]
    True
    """

    def __init__(self, model: keras.Model):
        if not model.compiled:
            raise ValueError(
                f"The model must be compiled. Received: {model!r}, which is not."
            )
        if not model.built:
            raise ValueError(
                "The model must have its weights; call it on a batch first. "
                f"Received: {model!r}, which is not built."
            )
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._model = model
        self._random = RandomState()
        self._variables = state_of(model)
        self._values = [value_of(variable) for variable in self._variables]

    def restore(self) -> None:
        """Gives all variables the values that they had, and resets the metrics."""
        self._random.restore()
        assign_all(self._variables, self._values)
        self._model.reset_metrics()
        self._model.stop_training = False


class BeginAnew(keras.callbacks.Callback):
    """Puts the state of a model in place when training begins.

    Not before `fit`: on torch, what `fit` does until then uses random numbers if it is
    the first `fit` of the model.

    Args:
        state: The state; `None` for that in which the first training begins. Defaults
            to `None`.
    """

    def __init__(self, state: ModelState | None = None):
        super().__init__()
        self._state = state

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Puts the state in place once more."""
        self._state = self._state or ModelState(self.model)
        self._state.restore()


def value_of(variable: Any) -> np.ndarray:
    """A variable's value; not a view, which would change with it."""
    return np.array(ops.convert_to_numpy(variable))


def values_of(model: keras.Model) -> list[np.ndarray]:
    """All values of a model, the states of random layers included."""
    return [value_of(variable) for variable in model.variables]


def state_of(model: keras.Model) -> list[Any]:
    """All variables of a model and of its optimizer."""
    return [*model.variables, *state_of_optimizer(model.optimizer)]


def state_of_optimizer(optimizer: Any) -> list[Any]:
    """All variables of an optimizer, also of those within it."""
    found = [variable for each in within(optimizer) for variable in each.variables]
    return list({id(variable): variable for variable in found}.values())


def assign_all(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Gives each variable its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
