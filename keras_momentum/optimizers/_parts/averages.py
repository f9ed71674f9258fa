"""Moving averages, exact whatever their coefficients do."""

import math
from typing import Any

from keras_momentum._backend import backend
from keras_momentum._backend.dtypes import computed, largest


def squarable(dtype: str) -> float:
    """The largest element of a gradient of a type whose square is finite."""
    return min(largest(dtype), math.sqrt(largest(computed(dtype))))


def share(one_minus_beta: Any) -> Any:
    """1 − β, but above 0: with a β of 1 a corrected average is of what it has seen.

    Args:
        one_minus_beta: A scalar.
    """
    return backend.scalar_ops.maximum(one_minus_beta, 1e-12)


def inverse_root(weight: Any) -> Any:
    """1 / √weight, of a scalar."""
    return 1 / backend.scalar_ops.sqrt(weight)


def root(one_minus_beta: Any) -> Any:
    """√(1 − β): (root · g)² is finite for larger g than (1 − β) g² is."""
    return backend.scalar_ops.sqrt(one_minus_beta)
