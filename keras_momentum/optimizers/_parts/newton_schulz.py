"""Orthogonalisation of matrices."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_momentum._backend import backend


def orthogonalized(
    matrices: Any, steps: int, coefficients: Sequence[float], epsilon: Any
) -> Any:
    """U Vᵀ of the singular value decompositions U S Vᵀ, roughly.

    An odd polynomial, applied again and again, brings singular values close to 1 and
    leaves the singular vectors as they are. The coefficients are such that it is steep
    at 0; large ones end between 0.7 and 1.2.

    ```python
    x = x / (norm(x) + epsilon)
    for _ in range(steps):
        a_x = x @ x.T
        x = a * x + (b * a_x + c * a_x @ a_x) @ x
    ```

    Args:
        matrices: A tensor of shape `(count, rows, columns)`.
        steps: How often it is applied.
        coefficients: a, b and c.
        epsilon: What is added to the norm, a scalar.

    Reference:

    - Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks".
    """
    a, b, c = coefficients
    if len(matrices.shape) == 3 and matrices.shape[0] == 1:
        # XLA for CPUs multiplies two matrices faster than two stacks of one.
        one = orthogonalized(matrices[0], steps, coefficients, epsilon)
        return ops.expand_dims(one, 0)
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = ops.swapaxes(matrices, -1, -2) if is_tall else matrices
    # The largest element first, so that no square is infinite.
    largest = ops.max(ops.abs(x), axis=(-2, -1), keepdims=True)
    largest = ops.where(largest > 0, largest, ops.ones_like(largest))
    x = x / largest
    norm = ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True))
    x = x / (norm + ops.cast(epsilon, x.dtype) / largest)
    x = ops.cast(x, backend.product_type(x))
    for _ in range(steps):
        gram = ops.matmul(x, ops.swapaxes(x, -1, -2))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    x = ops.cast(x, matrices.dtype)
    return ops.swapaxes(x, -1, -2) if is_tall else x
