"""PyTorch: nothing is compiled, so that each call of an operation counts.

Scalars are numbers of Python, read from variables that lie on the host. Small weights
share slots in packs, as on TensorFlow. The formula becomes a program once an update
(`torch_program`), which runs on packs and, in chunks that stay in a cache, on large
weights in their place.
"""

import contextlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import torch
from keras.backend import standardize_dtype
from keras.src.backend import in_stateless_scope

from keras_momentum._backend.interface import Computation
from keras_momentum._backend.pack import Kind, Pack, plan_packs
from keras_momentum._backend.torch_program import Program
from keras_momentum._backend.torch_workspace import Workspace, parts_of

# Measured with 202 kernels and biases of 64 × 64, one thread, ms an update (Keras SGD
# with momentum 3.15): packs of 2^15 elements 1.55, of 2^19 1.37.
MAXIMUM_PACKED_VARIABLE_SIZE = 2**13
MAXIMUM_PACK_SIZE = 2**19
# Nothing differs for large weights but the size of chunks.
MINIMUM_LARGE_SIZE = 2**14
# Elements at a time. Above 2^15 PyTorch starts threads, which pays for large weights.
SMALL_CHUNK = 2**17
CHUNK = 2**18

scalar_ops = np
_DTYPES = {
    name: getattr(torch, name) for name in ("float16", "bfloat16", "float32", "float64")
}
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


def cast(value: Any, dtype: str) -> Any:
    if isinstance(value, torch.Tensor) and value.dtype is not _DTYPES[dtype]:
        return value.to(_DTYPES[dtype])
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


def peek(variable: Any) -> np.ndarray:
    return _host(variable)


def unstack(variable: Any, count: int) -> list[Any]:
    return _host(variable)[:count].tolist()


def write_head(variable: Any, scalars: Sequence[Any]) -> None:
    _host(variable)[: len(scalars)] = scalars


def write_slice(variable: Any, begin: int, values: Sequence[Any]) -> None:
    _host(variable)[begin : begin + len(values)] = values


def element(variable: Any, index: Any) -> float:
    return float(_host(variable)[index])


def scalar(variable: Any) -> Any:
    is_number = isinstance(variable, float | int | np.generic)
    return variable if is_number else _tensor(variable).item()


def assign_scalar(variable: Any, value: float) -> None:
    tensor = _tensor(variable)
    if tensor.item() != value:
        tensor.fill_(float(value))


def plan(weights: Mapping[int, Any], kind: Callable[[Any], Kind]) -> list[Pack]:
    return plan_packs(
        weights,
        kind,
        dtype_of=lambda weight: standardize_dtype(weight.dtype),
        place_of=lambda weight: str(_tensor(weight).device),
        largest_packed=MAXIMUM_PACKED_VARIABLE_SIZE,
        largest_pack=MAXIMUM_PACK_SIZE,
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


def gather(
    pack: Pack, tensors: Sequence[Any], workspace: Workspace | None = None
) -> torch.Tensor:
    if not pack.shares_slots:
        return _tensor(tensors[0])
    if workspace is not None:
        return workspace.filled(_tensors(tensors))
    return torch.cat([t.reshape(-1) for t in _tensors(tensors)])


def workspace(pack: Pack) -> Workspace:
    return Workspace(pack)


def scatter(pack: Pack, value: torch.Tensor) -> list[torch.Tensor]:
    return parts_of(pack, value) if pack.shares_slots else [value]


def slot_value(pack: Pack, variables: Sequence[Any]) -> torch.Tensor:
    return _tensor(variables[0])


def make_update(
    pack: Pack,
    computation: Computation,
    gradient: Any,
    slots: Mapping[str, Sequence[Any]],
    weights: Sequence[Any],
    missing: frozenset[int],
    absent: Callable[[Mapping[str, Any]], dict[str, Any]],
    late_slots: Any,
    memory: dict[Hashable, Any],
    workspace: Workspace | None,
) -> None:
    """See `Backend.make_update`."""
    before = {name: slot_value(pack, slot) for name, slot in slots.items()}
    is_missing = [index in missing for index in pack.indices]
    if all(is_missing):
        for name, value in absent(before).items():
            before[name].copy_(value)
        return
    program = None
    if pack.is_elementwise and computation.is_uniform and not any(is_missing):
        program = _program(computation, list(slots), memory)
    if program is None:
        difference, new_slots = computation(
            gradient, before, lambda: gather(pack, weights)
        )
        if any(is_missing):
            kept = torch.tensor(
                np.repeat(is_missing, pack.sizes), device=gradient.device
            )
            of_absent = {**before, **absent(before)}
            new_slots = {
                name: torch.where(kept, of_absent[name].to(value.dtype), value)
                for name, value in new_slots.items()
            }
        for name, value in new_slots.items():
            before[name].copy_(stored(value, before[name].dtype))
    else:
        difference = _run(
            program, pack, computation, gradient, before, weights, workspace
        )
    if difference is None:
        return
    targets = _tensors(weights)
    if workspace is not None and workspace.is_result(difference, pack.dtype):
        pieces = workspace.results
    else:
        pieces = scatter(pack, cast(difference, pack.dtype))
    if any(is_missing):
        present = [n for n, stays in enumerate(is_missing) if not stays]
        targets = [targets[n] for n in present]
        pieces = [pieces[n] for n in present]
    torch._foreach_sub_(targets, pieces)


def stored(value: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A value as a slot of a type keeps it, not infinite unless it is."""
    if dtype == torch.float16 and value.dtype != dtype:
        limit = torch.finfo(dtype).max
        value = torch.where(value.isfinite(), value.clamp(-limit, limit), value)
    return value


def _program(
    computation: Computation, names: list[str], memory: dict[Hashable, Any]
) -> Program | None:
    """The program of a computation; `None` if it does what a program can't."""
    key = computation.alike
    if key not in memory:
        try:
            dtype = getattr(torch, computation.dtype)
            memory[key] = Program(computation, names, dtype)
        except Exception:
            # Whatever functions of others say of a symbol; they get tensors, then.
            memory[key] = None
    return memory[key]


def _run(
    program: Program,
    pack: Pack,
    computation: Computation,
    gradient: torch.Tensor,
    slots: Mapping[str, torch.Tensor],
    weights: Sequence[Any],
    workspace: Workspace | None,
) -> torch.Tensor | None:
    """Runs a program in chunks; returns what is left to be subtracted."""
    weight = _tensor(weights[0])
    dtype = _DTYPES[computation.dtype]
    is_direct = len(weights) == 1 and all(
        each.dtype == dtype and each.is_contiguous()
        for each in (weight, *slots.values())
    )
    out = None
    if not is_direct:
        if workspace is None:
            out = torch.empty(gradient.shape, dtype=dtype, device=gradient.device)
        else:
            out = workspace.result(dtype, gradient.device)
        weight = gather(pack, weights) if program.reads_weight else gradient
    chunk = CHUNK if out is None else SMALL_CHUNK
    if gradient.device.type != "cpu":
        chunk = max(1, gradient.numel())
    flat = [each.reshape(-1) for each in (gradient, weight, *slots.values())]
    temporary = [
        torch.empty(min(chunk, flat[0].numel()), dtype=dtype, device=gradient.device)
        for _ in range(program.temporaries)
    ]
    rests = [
        each.split(chunk) for each in (*flat, *([] if out is None else [out.view(-1)]))
    ]
    for parts in zip(*rests, strict=True):
        registers = list(parts[: len(flat)])
        size = registers[0].numel()
        registers = [each.to(dtype) for each in registers]
        registers += [each[:size] for each in temporary]
        program.run(registers, None if out is None else parts[-1])
        for part, register in zip(parts[2 : len(flat)], registers[2:], strict=False):
            if part is not register:
                part.copy_(stored(register, part.dtype))
    for each, slot in zip(flat[2:], slots.values(), strict=True):
        if not slot.is_contiguous():
            slot.copy_(each.view(slot.shape))
    return out


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
        [_tensor(each) for each in averages],
        [_tensor(each) for each in weights],
        1.0 - kept,
    )


def together(
    own: Mapping[str, Any], is_apart: Any, was_apart: Callable[[], bool]
) -> None:
    return None


def squared_norm(value: torch.Tensor) -> float:
    return inner(value, value)


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


def _tensor(value: Any) -> torch.Tensor:
    """The tensor of a variable, or a tensor."""
    if isinstance(value, torch.Tensor):
        return value
    # Not `value.value`, which takes 5 µs, if there is nothing to find out.
    tensor = value._value
    return value.value if tensor is None or in_stateless_scope() else tensor


def _tensors(values: Sequence[Any]) -> list[torch.Tensor]:
    """Those of variables, or tensors, all of them of one kind."""
    if isinstance(values[0], torch.Tensor):
        return list(values)
    # Asked once: it takes as long as all the rest for a variable.
    if in_stateless_scope():
        return list(map(_tensor, values))
    return [
        each.value if (tensor := each._value) is None else tensor for each in values
    ]


def _host(variable: Any) -> np.ndarray:
    """The elements of a variable that lies on the host, which can be set in place."""
    return _tensor(variable).detach().numpy()
