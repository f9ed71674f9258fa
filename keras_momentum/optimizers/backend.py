"""The few things that an optimizer has to do differently on each backend."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import keras

Function = TypeVar("Function", bound=Callable[..., Any])


def is_distributed() -> bool:
    """Whether variables made now belong to a distribution or a `tf.distribute` scope.

    Such variables may be mirrored or sharded, each with its own layout, and Keras
    updates them one by one in their own place.
    """
    if keras.distribution.distribution() is not None:
        return True
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.distribute.has_strategy()
    return False


@contextlib.contextmanager
def eager_creation() -> Iterator[None]:
    """Creates variables at once, even while TensorFlow traces the training step.

    Keras builds an optimizer in the first trace of the training step. A variable
    created there costs a conditional initialisation in the graph (some 10 ms each),
    and TensorFlow traces the whole step a second time because of it.
    """
    if keras.backend.backend() != "tensorflow" or is_distributed():
        yield
        return
    import tensorflow as tf

    def create(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        return next_creator(**{**kwargs, "experimental_enable_variable_lifting": False})

    with tf.init_scope(), tf.variable_creator_scope(create):
        yield


def xla_compiled(function: Function) -> Function:
    """`function` compiled by XLA on TensorFlow; elsewhere the step's own compiler does.

    Inside a step that is already compiled (`jit_compile=True`) it is inlined.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)


def packing_pays() -> bool:
    """Whether one update of a packed vector beats many small ones.

    JAX compiles the whole step to one program anyway, where a pack only adds copies.
    """
    return keras.backend.backend() != "jax"


def device(variable: Any) -> str:
    """The device that holds `variable`, as far as it matters for packing."""
    value = getattr(variable, "value", variable)
    return str(getattr(value, "device", ""))


def tensor(value: Any) -> Any:
    """The dense tensor of a number, a variable or a (sparse) gradient.

    With momentum every row of a weight moves at every step, so that nothing would be
    gained by keeping a gradient sparse.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(value)
    return keras.ops.convert_to_tensor(value, sparse=False)
