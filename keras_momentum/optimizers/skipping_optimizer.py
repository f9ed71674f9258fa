"""The abstract optimizer that leaves out steps with a broken gradient."""

from typing import Any

from keras import ops

from keras_momentum import arguments
from keras_momentum.optimizers import backend
from keras_momentum.optimizers.conditional import conditional
from keras_momentum.optimizers.control_variable import control_variable
from keras_momentum.optimizers.steered_optimizer import SteeredOptimizer


class SkippingOptimizer(SteeredOptimizer):
    """Abstract base of optimizers that can skip a step.

    Args:
        skip_nonfinite: Whether a step with a NaN or an infinity in any gradient leaves
            weights and state, iterations included, as they are; `skipped_steps` counts
            such steps. With gradient accumulation it is the batch that is left out.
            What layers change themselves, the averages of `BatchNormalization` for
            example, is not the optimizer's to protect. Defaults to `False`.
        **kwargs: The keyword arguments of `keras.optimizers.Optimizer`.
    """

    def __init__(self, *, skip_nonfinite: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.skip_nonfinite = arguments.boolean("skip_nonfinite", skip_nonfinite)
        self._skipped_steps = control_variable(self, "skipped_steps", dtype="int")

    @property
    def skipped_steps(self) -> int:
        """The number of steps that `skip_nonfinite` left out."""
        return int(ops.convert_to_numpy(self._skipped_steps))

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Updates the weights, unless `skip_nonfinite` and a gradient is not finite.

        Args:
            grads: A list of gradients, one for each variable; `None` where there is
                none.
            trainable_variables: A list of variables. May be left out once the
                optimizer is built.
        """
        grads = list(grads)
        if not self.skip_nonfinite or all(gradient is None for gradient in grads):
            super().apply(grads, trainable_variables)
            return
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
            if not self.built:
                self.build(trainable_variables)
        conditional(
            backend.all_finite(grads),
            super().apply,
            self._count_skipped_step,
            arguments=(grads, trainable_variables),
            variables=[
                *self.variables,
                *(trainable_variables or self._trainable_variables),
            ],
        )

    def _count_skipped_step(self) -> None:
        self._skipped_steps.assign(self._skipped_steps + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "skip_nonfinite": self.skip_nonfinite}
