"""An update on PyTorch: a formula on packs, and on large weights in their place."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from keras_momentum._backend.interface import Computation
from keras_momentum._backend.pack import Pack
from keras_momentum._backend.torch_program import Program
from keras_momentum._backend.torch_tensors import DTYPES, cast, tensor_of, tensors_of
from keras_momentum._backend.torch_workspace import Workspace, parts_of

# Elements at a time. Above 2^15 PyTorch starts threads, which pays for large weights.
SMALL_CHUNK = 2**17
CHUNK = 2**18


def gather(
    pack: Pack, tensors: Sequence[Any], workspace: Workspace | None = None
) -> torch.Tensor:
    if not pack.shares_slots:
        return tensor_of(tensors[0])
    if workspace is not None:
        return workspace.filled(tensors_of(tensors))
    return torch.cat([t.reshape(-1) for t in tensors_of(tensors)])


def workspace(pack: Pack) -> Workspace:
    return Workspace(pack)


def scatter(pack: Pack, value: torch.Tensor) -> list[torch.Tensor]:
    return parts_of(pack, value) if pack.shares_slots else [value]


def slot_value(pack: Pack, variables: Sequence[Any]) -> torch.Tensor:
    return tensor_of(variables[0])


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
    targets = tensors_of(weights)
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
    weight = tensor_of(weights[0])
    dtype = DTYPES[computation.dtype]
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
