"""The numbers that steer an optimizer, in two variables."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_momentum._backend import backend
from keras_momentum._backend.dtypes import float_type


class Control:
    """All numbers of an optimizer that all of its weights share, by name.

    Hyper-parameters, restarts and counts live in one vector of floats and one of
    integers, as each variable costs time in every step. First in a vector stand the
    scalars, which a step reads and writes all at once; behind them what few steps need.

    The parts of an optimizer add their numbers in its constructor; then it creates the
    variables.
    """

    def __init__(self) -> None:
        self._numbers = _Vector("numbers", float_type())
        self._counts = _Vector("counts", "int")

    def add_number(self, name: str, value: float = 0.0) -> None:
        """Adds a float, which a step may change."""
        self._numbers.scalars[name] = value

    def add_count(self, name: str, value: int = 0) -> None:
        """Adds an integer, which a step may change."""
        self._counts.scalars[name] = value

    def add_numbers(self, name: str, length: int) -> None:
        """Adds floats that are 0 at first, as a whole."""
        self._numbers.arrays[name] = length

    def create(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Makes the two variables of the optimizer."""
        with backend.control_creation():
            for vector in (self._numbers, self._counts):
                vector.create(optimizer)

    def __getitem__(self, name: str) -> Any:
        """The present value, a number or, of several, an array; for the host."""
        return self._of(name).get(name)

    def peek(self, name: str) -> float:
        """The present value, or 0 if it can't be known while a step is traced."""
        vector = self._of(name)
        values = backend.peek(vector.variable)
        return 0 if values is None else values[vector.place(name)].item()

    def __setitem__(self, name: str, value: Any) -> None:
        """Sets what the next step reads; from the host."""
        self._of(name).set(name, value)

    def scalar(self, name: str) -> Any:
        """The scalar that the next step reads, a tensor."""
        vector = self._of(name)
        return ops.convert_to_tensor(vector.variable)[vector.place(name)]

    def assign(self, name: str, value: Any) -> None:
        """Sets a scalar to the value of a tensor."""
        vector = self._of(name)
        tensor = ops.convert_to_tensor(vector.variable)
        place = np.arange(vector.length) == vector.place(name)
        value = ops.cast(value, tensor.dtype)
        vector.variable.assign(ops.where(place, value, tensor))

    def read(self) -> dict[str, Any]:
        """All scalars, in a step."""
        return {**self._numbers.read(), **self._counts.read()}

    def write(self, scalars: Mapping[str, Any]) -> None:
        """Sets all scalars, in a step."""
        self._numbers.write(scalars)
        self._counts.write(scalars)

    def place(self, name: str) -> int:
        """Where several numbers begin, for `elements`."""
        return self._numbers.place(name)

    def elements(self, places: Any) -> Any:
        """The numbers at some places, a vector, in a step that alone knows which."""
        return backend.elements(self._numbers.variable, places)

    def rounded(self, value: float) -> float:
        """What is left of a float in the type of the numbers."""
        return np.asarray(value, self._numbers.dtype).item()

    def write_numbers(self, name: str, values: Sequence[Any]) -> None:
        """Sets several numbers, in a step."""
        vector = self._numbers
        backend.write_slice(vector.variable, vector.place(name), values)

    def _of(self, name: str) -> "_Vector":
        return self._counts if name in self._counts.scalars else self._numbers


@dataclasses.dataclass
class _Vector:
    """One of the two variables, and what stands where in it."""

    name: str
    dtype: str
    scalars: dict[str, float] = dataclasses.field(default_factory=dict)
    arrays: dict[str, int] = dataclasses.field(default_factory=dict)
    variable: Any = None

    @property
    def length(self) -> int:
        return len(self.scalars) + sum(self.arrays.values())

    def create(self, optimizer: keras.optimizers.Optimizer) -> None:
        first = np.zeros(self.length)
        first[: len(self.scalars)] = list(self.scalars.values())
        self.variable = optimizer.add_variable(
            shape=first.shape,
            # Not Keras's Constant, which rounds a float64.
            initializer=lambda shape, dtype: ops.convert_to_tensor(first, dtype),
            dtype=self.dtype,
            aggregation="only_first_replica",
            name=self.name,
        )
        names = [*self.scalars, *self.arrays]
        lengths = [1] * len(self.scalars) + list(self.arrays.values())
        places = np.cumsum([0, *lengths])[:-1].tolist()
        self._places = dict(zip(names, places, strict=True))

    def place(self, name: str) -> int:
        return self._places[name]

    def get(self, name: str) -> Any:
        values = ops.convert_to_numpy(self.variable)
        begin = self._places[name]
        if name in self.arrays:
            return values[begin : begin + self.arrays[name]]
        return values[begin].item()

    def set(self, name: str, value: Any) -> None:
        values = np.array(ops.convert_to_numpy(self.variable))
        begin = self._places[name]
        values[begin : begin + self.arrays.get(name, 1)] = value
        self.variable.assign(values)

    def read(self) -> dict[str, Any]:
        scalars = backend.unstack(self.variable, len(self.scalars))
        return dict(zip(self.scalars, scalars, strict=True))

    def write(self, scalars: Mapping[str, Any]) -> None:
        if self.scalars:
            chosen: Sequence[Any] = [scalars[name] for name in self.scalars]
            backend.write_head(self.variable, chosen)
