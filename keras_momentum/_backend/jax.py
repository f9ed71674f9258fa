"""JAX: every weight alone, as the whole step is one program in which packs only copy.

What a step costs there is some 2 µs for each argument of the program, so state that
all weights share lives in few variables.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import keras
import numpy as np
from keras import ops
from keras.backend import standardize_dtype

from keras_momentum._backend import xla
from keras_momentum._backend.dtypes import multiplied
from keras_momentum._backend.pack import Kind, Pack
from keras_momentum._backend.xla import after as after
from keras_momentum._backend.xla import assign_scalar as assign_scalar
from keras_momentum._backend.xla import average as average
from keras_momentum._backend.xla import cast as cast
from keras_momentum._backend.xla import finite as finite
from keras_momentum._backend.xla import gather as gather
from keras_momentum._backend.xla import inner as inner
from keras_momentum._backend.xla import limited as limited
from keras_momentum._backend.xla import make_update as make_update
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

# From this size on XLA for CPUs changes a weight before its slots, see `twin`: below,
# a copy costs less than the order does.
MINIMUM_LARGE_SIZE = 2**12

creation = contextlib.nullcontext
control_creation = contextlib.nullcontext
traces = True
no_gradient = contextlib.nullcontext


def is_distributed() -> bool:
    return keras.distribution.distribution() is not None


def peek(variable: Any) -> Any:
    value = variable._value
    is_there = isinstance(value, jax.Array) and not isinstance(value, jax.core.Tracer)
    if not is_there or value.is_deleted():  # Keras's `fit` keeps it elsewhere.
        return None
    return np.asarray(value)


def unstack(variable: Any, count: int) -> list[Any]:
    vector = ops.convert_to_tensor(variable)
    return [_element(vector, index) for index in range(count)]


def write_head(variable: Any, scalars: Sequence[Any]) -> None:
    vector = ops.convert_to_tensor(variable)
    head = jax.numpy.stack([ops.cast(scalar, vector.dtype) for scalar in scalars])
    tail = jax.lax.slice(vector, (len(scalars),), vector.shape)
    variable.assign(jax.lax.concatenate([head, tail], 0))


def elements(variable: Any, places: Any) -> Any:
    return ops.take(ops.convert_to_tensor(variable), places)


def is_known(scalar: Any) -> bool:
    return not isinstance(scalar, jax.core.Tracer)


def scalar(variable: Any) -> Any:
    return ops.convert_to_tensor(variable)


def plan(weights: Mapping[int, Any], kind: Callable[[Any], Kind]) -> list[Pack]:
    # Matrices too: stacked, the iteration of Muon takes as long to compile and to run.
    return [
        Pack(
            (index,),
            (tuple(weight.shape),),
            standardize_dtype(weight.dtype),
            is_large=math.prod(weight.shape) >= MINIMUM_LARGE_SIZE,
            is_elementwise=kind(weight).is_elementwise,
            kind=kind(weight).of_formula,
        )
        for index, weight in weights.items()
    ]


def spread(
    vector: Any,
    packs: Sequence[Pack],
    is_apart: Any,
    was_apart: Callable[[], bool],
) -> list[Any]:
    return [_element(vector, pack.indices[0]) for pack in packs]


def together(
    own: Mapping[str, Any], is_apart: Any, was_apart: Callable[[], bool]
) -> dict[str, Any] | None:
    """See `Backend.together`.

    XLA compiles equal loops once, and those of two weights that read other elements of
    a vector are not equal: 202 of them take 20 s.
    """
    if was_apart():
        return None
    return {
        name: jax.numpy.where(is_apart > 0, math.nan, _element(vector, 0))
        for name, vector in own.items()
    }


def squared_norm(value: Any) -> Any:
    return inner(value, value)


def product_type(tensor: Any) -> str:
    return multiplied(standardize_dtype(tensor.dtype), jax.default_backend() != "cpu")


def dense(gradient: Any) -> Any:
    return ops.convert_to_tensor(gradient, sparse=False)


def computed_first(gradients: Any) -> Any:
    # Else XLA rewrites them with what is done with them, and their last bits depend on
    # whether they are also looked at, so that looking changes the training.
    return jax.lax.optimization_barrier(gradients)


def all_finite(gradients: Sequence[Any], limit: Callable[[str], float]) -> Any:
    return xla.broken(gradients, limit) < 0.5


def summed_over_replicas(tensors: Sequence[Any]) -> list[Any]:
    # Within the compiled step a tensor is the whole one, however it is sharded.
    return list(tensors)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def once(scalars: Any, iteration: Any) -> Any:
    # On a CPU XLA would compute them again in the loop of each weight.
    return xla.opaque(scalars, iteration) if _compiles_for_cpu(iteration) else scalars


def twin(scalar: Any, iteration: Any) -> Any:
    return xla.opaque(scalar, iteration) if _compiles_for_cpu(iteration) else None


after_batch = contextlib.nullcontext


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
    """`jax.lax.cond` on the values of `variables`: a branch can't assign to them."""
    if not isinstance(predicate, jax.core.Tracer):
        # Outside of a compiled step JAX would compile both branches anew each time.
        if predicate:
            update(*arguments)
        else:
            otherwise()
        return

    def values_after(branch: Callable[[], None]) -> Callable[[], list[Any]]:
        def run() -> list[Any]:
            mapping = [(variable, variable.value) for variable in variables]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                branch()
            return [scope.get_current_value(variable) for variable in variables]

        return run

    values = ops.cond(
        predicate, values_after(lambda: update(*arguments)), values_after(otherwise)
    )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _element(vector: Any, index: int) -> Any:
    return jax.lax.squeeze(jax.lax.slice(vector, (index,), (index + 1,)), (0,))


def _compiles_for_cpu(iteration: Any) -> bool:
    """Whether XLA compiles, for a CPU, the update that is traced now.

    There it writes each result in a loop of its own; for accelerators in one loop.
    """
    is_traced = isinstance(ops.convert_to_tensor(iteration), jax.core.Tracer)
    return is_traced and jax.default_backend() == "cpu"
