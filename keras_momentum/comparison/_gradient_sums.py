"""Sums of gradients, taken in the training step while the weights stand still."""

from typing import Any

import keras
from keras import ops

from keras_momentum._backend import backend
from keras_momentum.comparison._optimizers import within


class GradientSums(keras.optimizers.Optimizer):
    """Leaves the weights as they are, and adds up their gradients."""

    def __init__(self) -> None:
        super().__init__(learning_rate=1.0, name="gradient_sums")

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        self._sums = [
            self.add_variable_from_reference(variable, "sum") for variable in variables
        ]
        self.square, self.product = (
            self.add_variable((), dtype="float32", name=name)
            for name in ("square", "product")
        )

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        square = product = ops.zeros((), "float32")
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            total = self._sums[self._get_variable_index(variable)]
            each = ops.cast(backend.dense(gradient), "float32")
            square = square + ops.sum(ops.square(each))
            product = product + ops.sum(each * ops.cast(total, "float32"))
            total.assign_add(ops.cast(each, total.dtype))
        self.square.assign(square)
        self.product.assign(product)


class GradientReader(keras.callbacks.Callback):
    """Reads what each batch gave.

    Attributes:
        squares: |g_i|² of each batch.
        products: Its gradient times the sum of those before it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.squares: list[float] = []
        self.products: list[float] = []

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        *_, sums = within(self.model.optimizer)
        self.squares.append(float(ops.convert_to_numpy(sums.square)))
        self.products.append(float(ops.convert_to_numpy(sums.product)))
