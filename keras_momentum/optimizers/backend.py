"""The few things that an optimizer has to do differently on each backend."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import keras
from keras import ops

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


@contextlib.contextmanager
def after_batch(gradients: Sequence[Any]) -> Iterator[None]:
    """Operations that TensorFlow does only if the batch comes.

    Where data end without notice, `fit` begins a step too many. Without this, what does
    not depend on the batch, the counters for example, would be done in it.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    known = [gradient for gradient in gradients if gradient is not None]
    with tf.control_dependencies(known[-1:]):
        yield


def xla_compiled(function: Function) -> Function:
    """`function` compiled by XLA on TensorFlow; elsewhere the step's own compiler does.

    Inside a step that is already compiled (`jit_compile=True`) it is inlined.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    return tf.function(function, jit_compile=True, autograph=False)


def compiles_for_cpu(iteration: Any) -> bool:
    """Whether XLA compiles, for a CPU, the update that is traced now.

    There it writes each result in a loop of its own; for accelerators in one loop.

    Args:
        iteration: The number of updates, a variable.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_logical_devices("GPU")
    if keras.backend.backend() == "jax":
        import jax

        is_traced = isinstance(tensor(iteration), jax.core.Tracer)
        return is_traced and jax.default_backend() == "cpu"
    return False


def once(scalars: Any, iteration: Any) -> Any:
    """`scalars`, which JAX on a CPU would compute again in the loop of each weight."""
    if keras.backend.backend() == "jax" and compiles_for_cpu(iteration):
        return opaque(scalars, iteration)
    return scalars


def computed_first(gradients: Any) -> Any:
    """`gradients`, which XLA does not rewrite on JAX with what is done with them.

    Else their last bits depend on whether they are also looked at, so that looking
    changes the training.
    """
    if keras.backend.backend() != "jax":
        return gradients
    import jax

    return jax.lax.optimization_barrier(gradients)


def opaque(scalars: Any, iteration: Any) -> Any:
    """`scalars`, of which XLA doesn't know what they are.

    Args:
        scalars: A structure of scalar tensors.
        iteration: The number of updates, an integer that is never negative, which XLA
            doesn't know either.
    """
    scalars = keras.tree.map_structure(tensor, scalars)
    zeros = keras.tree.map_structure(ops.zeros_like, scalars)
    return ops.cond(tensor(iteration) >= 0, lambda: scalars, lambda: zeros)


def after(weight: Any, scalar: Any, twin: Any) -> Any:
    """`scalar`, in a way that XLA can't compute before it has changed `weight`.

    Args:
        weight: A variable that has just been assigned to.
        scalar: A scalar tensor.
        twin: The same number, made `opaque`.
    """
    first = ops.reshape(ops.reshape(tensor(weight), (-1,))[:1], ())
    return ops.where(first > 0, scalar, twin)


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
    """The dense tensor of a number, a variable or a (sparse) gradient."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(value)
    return keras.ops.convert_to_tensor(value, sparse=False)


def all_finite(gradients: Sequence[Any]) -> Any:
    """Whether no gradient, in no replica, has a NaN or an infinity; a scalar."""
    finite = [
        ops.all(ops.isfinite(gradient))
        for gradient in gradients
        if gradient is not None
    ]
    broken = ops.cast(ops.logical_not(ops.all(ops.stack(finite))), "float32")
    return summed_over_replicas([broken])[0] < 0.5


def summed_over_replicas(tensors: Sequence[Any]) -> list[Any]:
    """The sums over the replicas of `tf.distribute`; elsewhere the tensors themselves.

    Within JAX's compiled step a tensor is the whole one, however it is sharded.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        replica = tf.distribute.get_replica_context()
        if tf.distribute.has_strategy() and replica:
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, list(tensors))
    return list(tensors)
