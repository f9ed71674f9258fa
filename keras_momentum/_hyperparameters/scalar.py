"""What is read as a hyper-parameter: a scalar that can be assigned to."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops


def _operator(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *others: function(self.value, *others)


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, other: function(other, self.value)


class Scalar:
    """A number that an optimizer holds, as Keras's variables behave where people look.

    It always shows the present value: it can be given to `float`, to functions of
    `keras.ops` and of the backend, computed and compared with, and assigned to.

    Args:
        read: Returns the present value, a tensor.
        assign: Sets it.
        name: Its name.
    """

    shape = ()
    ndim = 0

    def __init__(
        self, read: Callable[[], Any], assign: Callable[[Any], None], name: str
    ):
        self._read = read
        self._assign = assign
        self.name = name

    @property
    def value(self) -> Any:
        """The present value, a tensor."""
        return self._read()

    @property
    def dtype(self) -> Any:
        return self.value.dtype

    def assign(self, value: Any) -> "Scalar":
        """Sets it, for the next step on."""
        self._assign(value)
        return self

    def numpy(self) -> np.ndarray:
        return np.array(ops.convert_to_numpy(self.value))

    def item(self) -> float:
        return float(self)

    def __float__(self) -> float:
        return float(ops.convert_to_numpy(self.value))

    def __bool__(self) -> bool:
        return bool(float(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(self.value), dtype)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        value = self.value
        return value if dtype is None else ops.cast(value, dtype.name)

    def __jax_array__(self) -> Any:
        return self.value

    def __repr__(self) -> str:
        return f"<Scalar {self.name}={float(self):g}>"

    def __format__(self, specification: str) -> str:
        return format(float(self), specification)

    __hash__ = object.__hash__
    __add__, __radd__ = _operator(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _operator(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _operator(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = (
        _operator(operator.truediv),
        _reflected(operator.truediv),
    )
    __pow__, __rpow__ = _operator(operator.pow), _reflected(operator.pow)
    __neg__, __abs__ = _operator(operator.neg), _operator(operator.abs)
    __lt__, __le__ = _operator(operator.lt), _operator(operator.le)
    __gt__, __ge__ = _operator(operator.gt), _operator(operator.ge)
    __eq__, __ne__ = _operator(operator.eq), _operator(operator.ne)
