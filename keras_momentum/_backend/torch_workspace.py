"""Memory that the updates of a pack use again and again."""

from typing import Any

import torch

from keras_momentum._backend.pack import Pack


class Workspace:
    """A vector for the gradients of a pack and one for what is subtracted.

    To make the parts of a vector, one for each weight, takes longer than to compute
    momentum on it, and so does `torch.cat` in comparison with a copy into the parts.

    Args:
        pack: The pack.
    """

    def __init__(self, pack: Pack):
        self._pack = pack
        self._gradient = torch.empty(0)
        self._gradients: list[torch.Tensor] = []
        self._result = torch.empty(0)
        self.results: list[torch.Tensor] = []

    def __reduce__(self) -> Any:
        # A copy of an optimizer has memory of its own, and a file has none.
        return Workspace, (self._pack,)

    def filled(self, gradients: list[torch.Tensor]) -> torch.Tensor:
        """One vector of all elements, which the next call changes."""
        dtype, device = gradients[0].dtype, gradients[0].device
        if not _is_of(self._gradient, dtype, device):
            self._gradient = torch.empty(self._pack.size, dtype=dtype, device=device)
            self._gradients = parts_of(self._pack, self._gradient)
        torch._foreach_copy_(self._gradients, gradients)
        return self._gradient

    def result(self, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """A vector to be written; `results` are its parts."""
        if not _is_of(self._result, dtype, device):
            self._result = torch.empty(self._pack.size, dtype=dtype, device=device)
            self.results = parts_of(self._pack, self._result)
        return self._result

    def is_result(self, value: torch.Tensor, dtype: str) -> bool:
        """Whether `value` is that vector, in the type of the weights."""
        return value is self._result and value.dtype is getattr(torch, dtype)


def parts_of(pack: Pack, vector: torch.Tensor) -> list[torch.Tensor]:
    """The part of each weight in a vector, in the weight's shape."""
    return [
        part if len(shape) == 1 else part.view(shape)
        for part, shape in zip(vector.split(pack.sizes), pack.shapes, strict=True)
    ]


def _is_of(vector: torch.Tensor, dtype: torch.dtype, device: torch.device) -> bool:
    return len(vector) > 0 and vector.dtype is dtype and vector.device == device
