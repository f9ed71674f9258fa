"""One update of an optimizer, in each way in which a backend can run it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

# How the update runs: called directly, in a graph, compiled by XLA.
MODES = {
    "tensorflow": ["eager", "graph", "xla"],
    "jax": ["eager", "xla"],
    "torch": ["eager"],
}[keras.backend.backend()]


def stepper(
    optimizer: keras.optimizers.Optimizer, variables: Sequence[Any], mode: str
) -> Callable[..., None]:
    """A function of one gradient for each variable that updates the variables."""
    if mode == "eager":
        return lambda *gradients: optimizer.apply(
            [keras.ops.convert_to_tensor(gradient) for gradient in gradients],
            list(variables),
        )
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(
            lambda *gradients: optimizer.apply(list(gradients), list(variables)),
            jit_compile=mode == "xla",
        )
    import jax

    optimizer.build(list(variables))
    compiled = jax.jit(optimizer.stateless_apply)

    def step(*gradients: Any) -> None:
        weights, state = compiled(
            [variable.value for variable in optimizer.variables],
            list(gradients),
            [variable.value for variable in variables],
        )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(optimizer.variables, state, strict=True):
            variable.assign(value)

    return step


def relative_error(actual: Any, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest expected value."""
    actual = keras.ops.convert_to_numpy(actual).astype(np.float64)
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))
