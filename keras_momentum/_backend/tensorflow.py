"""TensorFlow: small weights in packs, large ones in one call that XLA compiles.

What an optimizer costs on a small weight is a fixed price for each: slot variables,
graph operations, tracing. So small weights of one kind share slot vectors:

    weights     kernel (3, 4)     bias (4,)   kernel (4, 2)   bias (2,)
                 | flatten         |           | flatten       |
    gradient    [12 elements     | 4         | 8             | 2]      concatenated
    slots       [26 elements, one vector for each slot]
    update      [26 elements, the formula applied once]
                 | reshape         |           | reshape       |
    weights     kernel −= ...     bias −= ... kernel −= ...   bias −= ...

A pack ends at `MAXIMUM_PACK_SIZE` elements, so that its vectors stay in the cache of a
core and several packs run beside each other. A larger weight is a pack of its own,
which keeps its shape and is never copied: there the copies into and out of a vector
would cost more than they save. So is every weight under a distribution.

    up to 2^12 elements     shared packs
    below 2^14              a pack of its own, a few operations of the graph
    from 2^14 on            a pack of its own, in one call that XLA compiles

Matrices that a formula needs as a whole come in packs of one shape.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from keras.backend import standardize_dtype

from keras_momentum._backend import xla
from keras_momentum._backend.dtypes import multiplied
from keras_momentum._backend.pack import Kind, Pack, plan_packs
from keras_momentum._backend.tensorflow_packs import make_update as make_update
from keras_momentum._backend.tensorflow_packs import spread as spread
from keras_momentum._backend.xla import after as after
from keras_momentum._backend.xla import assign_scalar as assign_scalar
from keras_momentum._backend.xla import average as average
from keras_momentum._backend.xla import cast as cast
from keras_momentum._backend.xla import finite as finite
from keras_momentum._backend.xla import gather as gather
from keras_momentum._backend.xla import inner as inner
from keras_momentum._backend.xla import limited as limited
from keras_momentum._backend.xla import maximum as maximum
from keras_momentum._backend.xla import minimum as minimum
from keras_momentum._backend.xla import norms as norms
from keras_momentum._backend.xla import parts as parts
from keras_momentum._backend.xla import real as real
from keras_momentum._backend.xla import rows as rows
from keras_momentum._backend.xla import scalar_ops as scalar_ops
from keras_momentum._backend.xla import scatter as scatter
from keras_momentum._backend.xla import slot_value as slot_value
from keras_momentum._backend.xla import sqrt as sqrt
from keras_momentum._backend.xla import square as square
from keras_momentum._backend.xla import stacked as stacked
from keras_momentum._backend.xla import whole as whole
from keras_momentum._backend.xla import workspace as workspace
from keras_momentum._backend.xla import write_rows as write_rows
from keras_momentum._backend.xla import write_slice as write_slice
from keras_momentum._backend.xla import zeros as zeros

# Measured on TensorFlow, 2 CPU cores, 202 kernels and biases of 64 × 64, ms a step
# (Keras SGD with momentum: 3.7): packs without a limit 3.2, of 2^16 elements 2.7,
# of 2^15 elements 2.3, of 2^14 elements 2.5.
MAXIMUM_PACK_SIZE = 2**15
# Up to this size a weight is packed, from `MINIMUM_LARGE_SIZE` on XLA compiles its
# update. Between the two neither pays: copies cost more than they save in a step, and
# XLA needs some 8 ms for each shape. Measured in `tests/benchmarks/README.md`.
MAXIMUM_PACKED_VARIABLE_SIZE = 2**12
MINIMUM_LARGE_SIZE = 2**14
# Matrices of one shape are multiplied at once. Measured with Newton and Schulz's
# iteration on 100 of 64 × 64, 24 of 128 × 128, 12 of 128 × 512: one by one a step takes
# as long, to within 20 %, and the trace 3.5, 1.1 and 0.4 s instead of 0.15, 0.07 and
# 0.06.
MAXIMUM_STACK_SIZE = 2**20


def is_distributed() -> bool:
    return tf.distribute.has_strategy() or (
        keras.distribution.distribution() is not None
    )


@contextlib.contextmanager
def creation() -> Iterator[None]:
    """Creates variables at once, even while TensorFlow traces the training step.

    Keras builds an optimizer in the first trace of the training step. A variable
    created there costs a conditional initialisation in the graph (some 10 ms each),
    and TensorFlow traces the whole step a second time because of it.
    """
    if is_distributed():
        yield
        return

    def create(next_creator: Callable[..., Any], **kwargs: Any) -> Any:
        kwargs["experimental_enable_variable_lifting"] = False
        # TensorFlow keeps 35 kB for ever for each name of a variable that it has seen.
        # The slash leaves all scopes; Keras's own names and paths stay what they are.
        kwargs["name"] = "optimizer/"
        return next_creator(**kwargs)

    with tf.init_scope(), tf.variable_creator_scope(create):
        yield


control_creation = creation
traces = True
no_gradient = contextlib.nullcontext


def peek(variable: Any) -> Any:
    with tf.init_scope():
        return np.asarray(variable)


def unstack(variable: Any, count: int) -> list[Any]:
    return tf.unstack(tf.convert_to_tensor(variable)[:count], count)


def write_head(variable: Any, scalars: Sequence[Any]) -> None:
    head = tf.stack([tf.cast(scalar, variable.dtype) for scalar in scalars])
    tail = tf.convert_to_tensor(variable)[len(scalars) :]
    variable.assign(tf.concat([head, tail], 0))


def elements(variable: Any, places: Any) -> Any:
    # Not variable[place]: XLA would compile the step for each place anew.
    return tf.gather(tf.convert_to_tensor(variable), places)


def is_known(scalar: Any) -> bool:
    return tf.executing_eagerly()


def scalar(variable: Any) -> Any:
    return tf.convert_to_tensor(variable)


def plan(weights: Mapping[int, Any], kind: Callable[[Any], Kind]) -> list[Pack]:
    return plan_packs(
        weights,
        kind,
        dtype_of=lambda weight: standardize_dtype(weight.dtype),
        place_of=_device,
        largest_packed=-1 if is_distributed() else MAXIMUM_PACKED_VARIABLE_SIZE,
        largest_pack=MAXIMUM_PACK_SIZE,
        largest_stack=0 if is_distributed() else MAXIMUM_STACK_SIZE,
        least_large=MINIMUM_LARGE_SIZE,
    )


def _device(weight: Any) -> str:
    # The `value` of TensorFlow's own variables is a method.
    is_kerass = isinstance(weight, keras.Variable)
    return str((weight.value if is_kerass else weight).device)


def together(
    own: Mapping[str, Any], is_apart: Any, was_apart: Callable[[], bool]
) -> None:
    return None


def squared_norm(value: Any) -> Any:
    # Without a tensor of squares, which takes ten times as long if it is large.
    if standardize_dtype(value.dtype) in ("float16", "bfloat16"):
        value = tf.cast(value, tf.float32)
    return 2.0 * tf.nn.l2_loss(value)


def product_type(tensor: Any) -> str:
    has_gpu = bool(tf.config.list_logical_devices("GPU"))
    return multiplied(standardize_dtype(tensor.dtype), has_gpu)


def dense(gradient: Any) -> Any:
    return tf.convert_to_tensor(gradient)


def computed_first(gradients: Any) -> Any:
    return gradients


def all_finite(gradients: Sequence[Any], limit: Callable[[str], float]) -> Any:
    return summed_over_replicas([xla.broken(gradients, limit)])[0] < 0.5


def summed_over_replicas(tensors: Sequence[Any]) -> list[Any]:
    replica = tf.distribute.get_replica_context()
    if tf.distribute.has_strategy() and replica:
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, list(tensors))
    return list(tensors)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """By XLA; inside a step that is already compiled (`jit_compile=True`) inlined."""
    return tf.function(function, jit_compile=True, autograph=False)


def once(scalars: Any, iteration: Any) -> Any:
    return scalars


def twin(scalar: Any, iteration: Any) -> Any:
    return (
        None if tf.config.list_logical_devices("GPU") else xla.opaque(scalar, iteration)
    )


@contextlib.contextmanager
def after_batch(gradients: Sequence[Any]) -> Iterator[None]:
    known = [gradient for gradient in gradients if gradient is not None]
    with tf.control_dependencies(known[-1:]):
        yield


def select(predicate: Any, value: Callable[[], Any], otherwise: Any) -> Any:
    if is_known(predicate):
        return value() if predicate else otherwise
    return xla.select(predicate, value, otherwise)


def conditional(
    predicate: Any,
    update: Callable[..., None],
    otherwise: Callable[[], None],
    arguments: tuple[Any, ...],
    variables: Sequence[Any],
) -> None:
    if not _needs_merge_call():
        ops.cond(predicate, _without_result(update, *arguments), otherwise)
        return

    # A condition around the merge call of an update can't stand in a replica.
    def across(distribution: Any, predicate: Any, arguments: Any) -> None:
        ops.cond(
            distribution.experimental_local_results(predicate)[0],
            _without_result(
                distribution.extended.call_for_each_replica, update, arguments
            ),
            otherwise,
        )

    tf.distribute.get_replica_context().merge_call(across, args=(predicate, arguments))


def _without_result(function: Callable[..., Any], *arguments: Any) -> Any:
    """A branch without an output, as both must have the same."""

    def branch() -> None:
        function(*arguments)

    return branch


def _needs_merge_call() -> bool:
    return (
        tf.distribute.has_strategy()
        and not tf.__internal__.distribute.strategy_supports_no_merge_call()
    )
