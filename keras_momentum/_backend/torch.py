"""PyTorch: nothing is compiled, so that each call of an operation counts.

Scalars are numbers of Python, read from variables that lie on the host. Small weights
share slots in packs, as on TensorFlow. The formula becomes a program once an update
(`torch_program`), which runs on packs and, in chunks that stay in a cache, on large
weights in their place.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch
from keras.backend import standardize_dtype

from keras_momentum._backend.dtypes import multiplied
from keras_momentum._backend.pack import Kind, Pack, plan_packs
from keras_momentum._backend.torch_tensors import cast as cast
from keras_momentum._backend.torch_tensors import tensor_of, tensors_of
from keras_momentum._backend.torch_update import gather as gather
from keras_momentum._backend.torch_update import make_update as make_update
from keras_momentum._backend.torch_update import scatter as scatter
from keras_momentum._backend.torch_update import slot_value as slot_value
from keras_momentum._backend.torch_update import workspace as workspace

# Measured with 202 kernels and biases of 64 × 64, one thread, ms an update (Keras SGD
# with momentum 3.15): packs of 2^15 elements 1.55, of 2^19 1.37.
MAXIMUM_PACKED_VARIABLE_SIZE = 2**13
MAXIMUM_PACK_SIZE = 2**19
# Of matrices of one shape: Newton and Schulz's iteration on 100 of 64 × 64 takes 12 ms
# at once and 53 one by one, on 12 of 128 × 512 20 and 31.
MAXIMUM_STACK_SIZE = 2**20
# Nothing differs for large weights but the size of chunks.
MINIMUM_LARGE_SIZE = 2**14
scalar_ops = np
after_batch = contextlib.nullcontext
creation = contextlib.nullcontext
traces = False
no_gradient = torch.no_grad


def sqrt(value: Any) -> Any:
    return value.sqrt()


def square(value: Any) -> Any:
    return value * value


def maximum(one: Any, other: Any) -> Any:
    is_number = isinstance(other, float | int)
    return one.clamp(min=other) if is_number else one.maximum(other)


def minimum(one: Any, other: Any) -> Any:
    is_number = isinstance(other, float | int)
    return one.clamp(max=other) if is_number else one.minimum(other)


def finite(value: Any) -> Any:
    return value.clamp(max=torch.finfo(value.dtype).max)


def whole(scalar: Any) -> Any:
    return scalar.astype(int) if isinstance(scalar, np.ndarray) else int(scalar)


def real(scalar: Any) -> Any:
    return scalar.astype(float) if isinstance(scalar, np.ndarray) else float(scalar)


def inner(one: Any, other: Any) -> float:
    if one.dtype != torch.float64:
        one, other = one.float(), other.float()
    return float((one * other).sum())


def is_distributed() -> bool:
    return keras.distribution.distribution() is not None


def control_creation() -> Any:
    return keras.device("cpu")


def peek(variable: Any) -> np.ndarray:
    return _host(variable)


def unstack(variable: Any, count: int) -> list[Any]:
    return _host(variable)[:count].tolist()


def write_head(variable: Any, scalars: Sequence[Any]) -> None:
    _host(variable)[: len(scalars)] = scalars


def write_slice(variable: Any, begin: int, values: Sequence[Any]) -> None:
    _host(variable)[begin : begin + len(values)] = values


def elements(variable: Any, places: Any) -> np.ndarray:
    return _host(variable)[places]


def is_known(scalar: Any) -> bool:
    return True


def stacked(scalars: Sequence[Any]) -> np.ndarray:
    return np.array(scalars)


def parts(vector: np.ndarray) -> list[Any]:
    return vector.tolist()


def scalar(variable: Any) -> Any:
    is_number = isinstance(variable, float | int | np.generic)
    return variable if is_number else tensor_of(variable).item()


def assign_scalar(variable: Any, value: float) -> None:
    tensor = tensor_of(variable)
    if tensor.item() != value:
        tensor.fill_(float(value))


def plan(weights: Mapping[int, Any], kind: Callable[[Any], Kind]) -> list[Pack]:
    return plan_packs(
        weights,
        kind,
        dtype_of=lambda weight: standardize_dtype(weight.dtype),
        place_of=lambda weight: str(tensor_of(weight).device),
        largest_packed=MAXIMUM_PACKED_VARIABLE_SIZE,
        largest_pack=MAXIMUM_PACK_SIZE,
        largest_stack=MAXIMUM_STACK_SIZE,
        least_large=MINIMUM_LARGE_SIZE,
    )


def zeros(shape: tuple[int, ...], dtype: str) -> torch.Tensor:
    return torch.zeros(shape, dtype=getattr(torch, dtype))


def select(predicate: Any, value: Callable[[], Any], otherwise: Any) -> Any:
    return value() if predicate else otherwise


def rows(variable: Any) -> list[np.ndarray]:
    # A copy, as the variable is going to change.
    return list(_host(variable).copy())


def write_rows(variable: Any, rows: Sequence[Any]) -> None:
    matrix = _host(variable)
    for number, row in enumerate(rows):
        matrix[number] = row


def limited(norm: Any, limit: float) -> Any:
    return limit / norm.clamp(min=limit)


def spread(
    vector: np.ndarray,
    packs: Sequence[Pack],
    is_apart: int,
    was_apart: Callable[[], bool],
) -> list[Any]:
    if not is_apart:
        return [float(vector[pack.indices[0]]) for pack in packs]
    return [
        torch.tensor(np.repeat(vector[list(pack.indices)], pack.sizes))
        if pack.shares_slots
        else float(vector[pack.indices[0]])
        for pack in packs
    ]


def average(
    pack: Pack, averages: Sequence[Any], weights: Sequence[Any], kept: float
) -> None:
    torch._foreach_lerp_(
        tensors_of(averages),
        tensors_of(weights),
        1.0 - kept,
    )


def together(
    own: Mapping[str, Any], is_apart: Any, was_apart: Callable[[], bool]
) -> None:
    return None


def squared_norm(value: torch.Tensor) -> float:
    return inner(value, value)


def product_type(tensor: torch.Tensor) -> str:
    return multiplied(standardize_dtype(tensor.dtype), tensor.device.type != "cpu")


def dense(gradient: Any) -> Any:
    if not isinstance(gradient, torch.Tensor):
        return keras.ops.convert_to_tensor(gradient)
    return gradient.to_dense() if gradient.is_sparse else gradient


def norms(pack: Pack, gradient: Any) -> Any:
    if not pack.shares_slots:
        return gradient.norm()
    of_weights = torch.stack(torch._foreach_norm(scatter(pack, gradient)))
    sizes = torch.tensor(pack.sizes, device=gradient.device)
    return of_weights.repeat_interleave(sizes)


def computed_first(gradients: Any) -> Any:
    return gradients


def all_finite(gradients: Sequence[Any], limit: Callable[[str], float]) -> bool:
    return all(
        bool((gradient.abs() <= limit(standardize_dtype(gradient.dtype))).all())
        for gradient in gradients
        if gradient is not None
    )


def summed_over_replicas(tensors: Sequence[Any]) -> list[Any]:
    return list(tensors)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def once(scalars: Any, iteration: Any) -> Any:
    return scalars


def twin(scalar: Any, iteration: Any) -> None:
    return None


def after(weight: Any, scalar: Any, twin: Any) -> Any:
    return scalar


def conditional(
    predicate: Any,
    update: Callable[..., None],
    otherwise: Callable[[], None],
    arguments: tuple[Any, ...],
    variables: Sequence[Any],
) -> None:
    if predicate:
        update(*arguments)
    else:
        otherwise()


def _host(variable: Any) -> np.ndarray:
    """The elements of a variable that lies on the host, which can be set in place."""
    return tensor_of(variable).detach().numpy()
