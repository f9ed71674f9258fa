"""A formula as a list of calls of PyTorch that need little memory.

The formula is plain arithmetic (`step.gamma * slots.velocity + ...`). Run on `Symbol`s
it does no work on tensors; it leaves a `Program`: calls with an `out=` each. A product
with a number waits until something is added to it (`add(x, y, alpha=number)`), a square
or a quotient likewise (`addcmul`, `addcdiv`); what is dead lends its memory to the next
result, and a new slot is written into the old one as soon as nothing reads that. So

    velocity = gamma * velocity + rate * gradient      mul_(velocity, gamma)
                                                       add_(velocity, gradient, rate)
    weight −= velocity                                 sub_(weight, velocity)
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

# The registers in which a program finds what it reads; behind them come temporary ones.
GRADIENT, WEIGHT, FIRST_SLOT = 0, 1, 2


class _Call(NamedTuple):
    """One elementwise operation; tensors are given by their numbers."""

    function: Callable[..., Any]
    inputs: tuple[int, ...]
    numbers: tuple[float, ...]
    keywords: dict[str, float]
    out: int


class Symbol:
    """scale · x, scale · x · y or scale · x / y, of values that have been computed.

    Args:
        calls: The calls so far, to which it adds.
        values: The numbers of x and y; what a program is given has negative ones.
        dtype: Their type.
        kind: "", "product" or "quotient".
        scale: The scale.
    """

    __slots__ = ("calls", "dtype", "kind", "scale", "values")

    def __init__(
        self,
        calls: list[_Call],
        values: tuple[int, ...],
        dtype: torch.dtype,
        kind: str = "",
        scale: float = 1.0,
    ):
        self.calls = calls
        self.values = values
        self.dtype = dtype
        self.kind = kind
        self.scale = scale

    def value(self) -> int:
        """The number of the value itself, computed now if it has been put off."""
        if self.kind:
            function = torch.mul if self.kind == "product" else torch.div
            self.values, self.kind = (self._call(function, self.values),), ""
        if self.scale != 1.0:
            self.values = (self._call(torch.mul, self.values, (self.scale,)),)
            self.scale = 1.0
        return self.values[0]

    def sqrt(self) -> "Symbol":
        return self._applied(torch.sqrt)

    def abs(self) -> "Symbol":
        return self._applied(torch.abs)

    def clamp(self, **limits: float) -> "Symbol":
        return self._applied(torch.clamp, **limits)

    def maximum(self, other: "Symbol") -> "Symbol":
        values = (self.value(), other.value())
        return self._new((self._call(torch.maximum, values),))

    def minimum(self, other: "Symbol") -> "Symbol":
        values = (self.value(), other.value())
        return self._new((self._call(torch.minimum, values),))

    def __mul__(self, other: Any) -> "Symbol":
        if not isinstance(other, Symbol):
            return self._scaled(other)
        x, y = self._unscaled(), other._unscaled()
        scale = self.scale * other.scale
        return self._new((x.value(), y.value()), "product", scale)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Symbol":
        if not isinstance(other, Symbol):
            return self._scaled(1 / other)
        x = self._unscaled()
        return self._new((x.value(), other.value()), "quotient", self.scale)

    def __rtruediv__(self, other: float) -> "Symbol":
        return self._applied(torch.reciprocal)._scaled(other)

    def __add__(self, other: Any) -> "Symbol":
        if not isinstance(other, Symbol):
            return self._applied(torch.add, other)
        if (self.values, self.kind) == (other.values, other.kind):
            return self._new(self.values, self.kind, self.scale + other.scale)
        base, term = sorted((self, other), key=Symbol._cost_as_base)
        values = (base.value(), *term.values)
        if term.kind:
            function = torch.addcmul if term.kind == "product" else torch.addcdiv
            return self._new((self._call(function, values, (), {"value": term.scale}),))
        keywords = {"alpha": term.scale} if term.scale != 1.0 else {}
        return self._new((self._call(torch.add, values, (), keywords),))

    __radd__ = __add__

    def __neg__(self) -> "Symbol":
        return self._scaled(-1.0)

    def __sub__(self, other: Any) -> "Symbol":
        return self + -other

    def __rsub__(self, other: Any) -> "Symbol":
        return -self + other

    def _cost_as_base(self) -> tuple[bool, bool, bool]:
        """Small for what `term` can be added to at once, or while slots are old."""
        return bool(self.kind), self.scale != 1.0, self.values[0] >= 0

    def _new(
        self, values: tuple[int, ...], kind: str = "", scale: float = 1.0
    ) -> "Symbol":
        return Symbol(self.calls, values, self.dtype, kind, scale)

    def _scaled(self, number: float) -> "Symbol":
        return self._new(self.values, self.kind, self.scale * float(number))

    def _unscaled(self) -> "Symbol":
        return self._new(self.values, self.kind) if self.scale != 1.0 else self

    def _applied(
        self, function: Callable[..., Any], *numbers: float, **keywords: float
    ) -> "Symbol":
        return self._new((self._call(function, (self.value(),), numbers, keywords),))

    def _call(
        self,
        function: Callable[..., Any],
        inputs: tuple[int, ...],
        numbers: tuple[float, ...] = (),
        keywords: dict[str, float] | None = None,
    ) -> int:
        """Notes a call; returns the number of its value."""
        out = len(self.calls)
        self.calls.append(_Call(function, inputs, numbers, keywords or {}, out))
        return out


class Program:
    """The calls of one update, on flat tensors.

    Args:
        formula: `formula(gradient, slots, weight)` returns the difference and the new
            slots; `slots` by name, and `weight` a function without arguments.
        names: The names of the slots.
        dtype: The type in which it is computed.

    Attributes:
        temporaries: How many tensors it needs besides what it is given.
        reads_weight: Whether it needs the weight before it changes it.
    """

    def __init__(
        self,
        formula: Callable[..., tuple[Any, dict[str, Any]]],
        names: Sequence[str],
        dtype: torch.dtype,
    ):
        calls: list[_Call] = []
        self._first_temporary = FIRST_SLOT + len(names)
        gradient, weight, *slots = (
            Symbol(calls, (-1 - register,), dtype)
            for register in range(self._first_temporary)
        )
        by_name = dict(zip(names, slots, strict=True))
        difference, new_slots = formula(gradient, by_name, lambda: weight)
        new_values = [new_slots[name].value() for name in names]
        # What reads only the values of before comes first, a slot's own update last of
        # it, so that slots can change soon.
        early = [call for call in calls if max(call.inputs) < 0]
        late = [call for call in calls if max(call.inputs) >= 0]
        self._place(early[::-1] + late, new_values, difference)

    def run(
        self, registers: list[torch.Tensor], out: torch.Tensor | None = None
    ) -> None:
        """Updates slots and the weight, or writes the difference into `out`.

        Args:
            registers: The gradient, the weight, the slots and the temporary tensors.
            out: A tensor, or `None`.
        """
        for function, inputs, numbers, keywords, result in self._calls:
            values = [registers[n] for n in inputs]
            function(*values, *numbers, **keywords, out=registers[result])
        kind, scale, inputs = self._difference
        values = [registers[n] for n in inputs]
        weight = registers[WEIGHT]
        if out is not None:
            if kind:
                torch_function = torch.mul if kind == "product" else torch.div
                torch_function(*values, out=out)
                values = [out]
            torch.mul(values[0], scale, out=out)
        elif kind:
            method = weight.addcmul_ if kind == "product" else weight.addcdiv_
            method(*values, value=-scale)
        else:
            weight.sub_(values[0], alpha=scale)
        for slot, register in self._copies:
            registers[slot].copy_(registers[register])

    def _place(
        self, calls: list[_Call], new_values: list[int], difference: Symbol
    ) -> None:
        """Gives each value a register."""
        first, end = self._first_temporary, len(calls)
        last = {value: n for n, call in enumerate(calls) for value in call.inputs}
        last.update(dict.fromkeys(difference.values, end))
        target: dict[int, int] = {}
        for slot, value in enumerate(new_values, start=FIRST_SLOT):
            target.setdefault(value, slot)
        written = {
            target[call.out]: n for n, call in enumerate(calls) if call.out in target
        }
        place = {-1 - register: register for register in range(first)}
        # Until which call the value of before is read.
        busy = {slot: last.get(-1 - slot, -1) for slot in range(FIRST_SLOT, first)}
        free: list[int] = []
        self.temporaries = 0
        self._calls: list[_Call] = []
        for n, call in enumerate(calls):
            for value in set(call.inputs):
                # Its memory can be written by this very call.
                if last[value] == n and place[value] >= first:
                    free.append(place[value])
            # A slot can be overwritten as soon as nothing reads its old value any more,
            # also by a value that is dead when the new one is there.
            chosen = target.get(call.out)
            if chosen is None:
                old = [s for s in (place[v] for v in call.inputs) if s in busy]
                dying = (s for s in old if last.get(call.out, -1) <= written.get(s, -1))
                chosen = next((s for s in dying if busy[s] <= n), None)
            if chosen is not None and busy[chosen] <= n:
                place[call.out] = chosen
                is_new_slot = call.out in target
                busy[chosen] = end if is_new_slot else last.get(call.out, n)
            else:
                if not free:
                    free.append(first + self.temporaries)
                    self.temporaries += 1
                place[call.out] = free.pop()
                if chosen is not None:
                    last[call.out] = end
            inputs = tuple(place[value] for value in call.inputs)
            self._calls.append(call._replace(inputs=inputs, out=place[call.out]))
        self._copies = [
            (slot, place[value])
            for slot, value in enumerate(new_values, start=FIRST_SLOT)
            if place[value] != slot
        ]
        registers = tuple(place[value] for value in difference.values)
        read = {n for call in self._calls for n in call.inputs}
        self.reads_weight = WEIGHT in read or WEIGHT in registers
        self._difference = (difference.kind, difference.scale, registers)
