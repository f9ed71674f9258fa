"""The tensors behind Keras's variables."""

from collections.abc import Sequence
from typing import Any

import torch
from keras.src.backend import in_stateless_scope

DTYPES = {
    name: getattr(torch, name) for name in ("float16", "bfloat16", "float32", "float64")
}


def cast(value: Any, dtype: str) -> Any:
    """A tensor in a dtype; numbers have none."""
    if isinstance(value, torch.Tensor) and value.dtype is not DTYPES[dtype]:
        return value.to(DTYPES[dtype])
    return value


def tensor_of(value: Any) -> torch.Tensor:
    """The tensor of a variable, or a tensor."""
    if isinstance(value, torch.Tensor):
        return value
    # Not `value.value`, which takes 5 µs, if there is nothing to find out.
    tensor = value._value
    return value.value if tensor is None or in_stateless_scope() else tensor


def tensors_of(values: Sequence[Any]) -> list[torch.Tensor]:
    """Those of variables, or tensors, all of them of one kind."""
    if isinstance(values[0], torch.Tensor):
        return list(values)
    # Asked once: it takes as long as all the rest for a variable.
    if in_stateless_scope():
        return list(map(tensor_of, values))
    return [
        each.value if (tensor := each._value) is None else tensor for each in values
    ]
