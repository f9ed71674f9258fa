"""A model in training, of which the first step and later ones are timed."""

import gc
import itertools
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

BATCH_SIZE = 8


class Training:
    """A compiled model and a batch of noise.

    Args:
        build: Makes the model.
        optimizer: Its optimizer.
        jit_compile: As in `model.compile`.

    Attributes:
        first_step: Seconds until the first step was done, all tracing and compiling
            included.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        optimizer: keras.optimizers.Optimizer,
        jit_compile: bool,
    ):
        keras.utils.set_random_seed(0)
        self.jit_compile = jit_compile
        self.model = build()
        self.compile(optimizer)
        self._shape = self.model.input_shape[1:]
        forget_garbage()
        self.first_step = seconds(lambda: self.fit(steps=1))

    def compile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Compiles the model with another optimizer."""
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer, loss, jit_compile=self.jit_compile)

    def fit(
        self, steps: int, callbacks: tuple[keras.callbacks.Callback, ...] = ()
    ) -> Any:
        """Trains for some steps."""
        size = BATCH_SIZE * steps
        x = np.random.default_rng(0).random((size, *self._shape), "float32")
        y = np.arange(size) % 10
        return self.model.fit(
            x, y, batch_size=BATCH_SIZE, verbose=0, callbacks=list(callbacks)
        )

    def step(
        self, steps: int, callbacks: tuple[keras.callbacks.Callback, ...] = ()
    ) -> list[float]:
        """Seconds of each of some steps of `fit`; the first ones are left out."""
        clock = Clock()
        self.fit(steps + Clock.left_out, (*callbacks, clock))
        return clock.seconds

    def update(self) -> Callable[[], Any]:
        """The optimizer's update alone, compiled as the step is, as a function."""
        rng = np.random.default_rng(0)
        weights = self.model.trainable_variables
        gradients = [
            ops.convert_to_tensor(rng.normal(size=w.shape).astype("float32") * 1e-3)
            for w in weights
        ]
        return compiled_update(
            self.model.optimizer, gradients, weights, self.jit_compile
        )


class Clock(keras.callbacks.Callback):
    """Takes the time from the end of each step to that of the next."""

    left_out = 5

    def on_train_begin(self, logs: Any = None) -> None:
        self._ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._ends.append(time.perf_counter())

    @property
    def seconds(self) -> list[float]:
        ends = self._ends[self.left_out - 1 :]
        return [end - begin for begin, end in itertools.pairwise(ends)]


def forget_garbage() -> None:
    """As in a new process: no time goes to look for garbage in other models."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def seconds(function: Callable[[], Any]) -> float:
    """How long a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def compiled_update(
    optimizer: keras.optimizers.Optimizer,
    gradients: list[Any],
    weights: list[Any],
    jit_compile: bool,
) -> Callable[[], Any]:
    """`optimizer.apply(gradients, weights)`, compiled, as a function that waits for it.

    On JAX, weights and state are donated, as `fit` does, so that the update can be done
    in place; they are taken out of their variables for that.
    """
    optimizer.build(weights)
    if keras.backend.backend() == "jax":
        import jax

        held = [
            [jax.numpy.array(v.value) for v in weights],
            [jax.numpy.array(v.value) for v in optimizer.variables],
        ]
        step = donating_update(optimizer)

        def update() -> None:
            held[:] = step(*held, gradients)
            jax.block_until_ready(held)

        return update
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(
            lambda: optimizer.apply(gradients, weights), jit_compile=jit_compile
        )
    return lambda: optimizer.apply(gradients, weights)


def donating_update(optimizer: keras.optimizers.Optimizer) -> Any:
    """JAX's compiled function of weights, state and gradients; the first two go.

    JAX gives a donated buffer to the first result of its shape: in the order of
    `stateless_apply`, unlike that of `fit`, slots would go to weights, and be copied.
    """
    import jax

    return jax.jit(
        lambda weights, state, gradients: optimizer.stateless_apply(
            state, gradients, weights
        ),
        donate_argnums=(0, 1),
    )
