"""PyTorch: nothing is compiled, so that each call of an operation counts.

Scalars are numbers of Python, read from variables that lie on the host.
"""

import contextlib
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch
from keras.backend import standardize_dtype

from keras_momentum._backend.pack import Pack

scalar_ops = np
sqrt, square = torch.sqrt, torch.square
after_batch = contextlib.nullcontext
creation = contextlib.nullcontext
no_gradient = torch.no_grad


def maximum(one: Any, other: Any) -> Any:
    return one.clamp(min=other)


def minimum(one: Any, other: Any) -> Any:
    return one.clamp(max=other)


def finite(value: Any) -> Any:
    return value.clamp(max=torch.finfo(value.dtype).max)


def cast(value: Any, dtype: str) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(getattr(torch, dtype))
    return value


def whole(scalar: Any) -> int:
    return int(scalar)


def real(scalar: Any) -> float:
    return float(scalar)


def inner(one: Any, other: Any) -> float:
    if one.dtype != torch.float64:
        one, other = one.float(), other.float()
    return float((one * other).sum())


def is_distributed() -> bool:
    return keras.distribution.distribution() is not None


def control_creation() -> Any:
    return keras.device("cpu")


def unstack(variable: Any, count: int) -> list[Any]:
    return _host(variable)[:count].tolist()


def write_head(variable: Any, scalars: Sequence[Any]) -> None:
    _host(variable)[: len(scalars)] = scalars


def write_slice(variable: Any, begin: int, values: Sequence[Any]) -> None:
    _host(variable)[begin : begin + len(values)] = values


def element(variable: Any, index: Any) -> float:
    return float(_host(variable)[index])


def scalar(variable: Any) -> Any:
    value = getattr(variable, "value", variable)
    return value.item() if isinstance(value, torch.Tensor) else value


def assign_scalar(variable: Any, value: float) -> None:
    variable.value.fill_(float(value))


def plan(
    weights: Mapping[int, Any], kind: Callable[[Any], tuple[Hashable, bool]]
) -> list[Pack]:
    return [
        Pack(
            (index,),
            (tuple(weight.shape),),
            standardize_dtype(weight.dtype),
            is_large=math.prod(weight.shape) >= 2**15,
            is_elementwise=kind(weight)[1],
        )
        for index, weight in weights.items()
    ]


def zeros(shape: tuple[int, ...], dtype: str) -> Any:
    return torch.zeros(shape, dtype=getattr(torch, dtype))


def rows(variable: Any) -> list[Any]:
    # A copy, as the variable is going to change.
    return list(_host(variable).copy())


def write_rows(variable: Any, rows: Sequence[Any]) -> None:
    matrix = _host(variable)
    for number, row in enumerate(rows):
        matrix[number] = row


def limited(norm: Any, limit: float) -> Any:
    return limit / norm.clamp(min=limit)


def gather(pack: Pack, tensors: Sequence[Any]) -> Any:
    return getattr(tensors[0], "value", tensors[0])


def scatter(pack: Pack, value: Any) -> list[Any]:
    return [value]


def slot_value(pack: Pack, variables: Sequence[Any]) -> Any:
    return variables[0].value


def make_update(
    pack: Pack,
    formula: Callable[..., tuple[Any, dict[str, Any]]],
    gradient: Any,
    slots: Mapping[str, Sequence[Any]],
    weights: Sequence[Any],
    missing: frozenset[int],
    absent: Callable[[Mapping[str, Any]], dict[str, Any]],
    late_slots: Any,
) -> None:
    before = {name: slot_value(pack, slot) for name, slot in slots.items()}
    if pack.indices[0] in missing:
        new_slots = absent(before)
    else:
        difference, new_slots = formula(gradient, before, weights)
        weights[0].value.sub_(difference)
    for name, value in new_slots.items():
        slots[name][0].value.copy_(value)


def spread(
    vector: Any, packs: Sequence[Pack], is_apart: Any, was_apart: Callable[[], bool]
) -> list[Any]:
    return [float(vector[pack.indices[0]]) for pack in packs]


def average(
    pack: Pack, averages: Sequence[Any], weights: Sequence[Any], kept: float
) -> None:
    for mean, weight in zip(averages, weights, strict=True):
        mean.value.lerp_(weight.value, 1.0 - kept)


def dense(gradient: Any) -> Any:
    return gradient.to_dense() if gradient.is_sparse else gradient


def norms(pack: Pack, gradient: Any) -> Any:
    return gradient.norm()


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
    return variable.value.detach().numpy()
