"""Orthogonalised momentum."""

import math
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Unpack

import keras
from keras import ops

from keras_momentum import arguments
from keras_momentum._hyperparameters import HyperparameterLike, Moving, MovingDecay
from keras_momentum.optimizers._from_keras import check, take_over
from keras_momentum.optimizers._parts.averages import (
    inverse_root,
    root,
    share,
    squarable,
)
from keras_momentum.optimizers._parts.keyword_arguments import ArgumentsButDecay
from keras_momentum.optimizers._parts.newton_schulz import orthogonalized
from keras_momentum.optimizers.elementwise import finite, sqrt, square
from keras_momentum.optimizers.momentum_optimizer import MomentumOptimizer


@keras.saving.register_keras_serializable(package="keras_momentum")
class Muon(MomentumOptimizer):
    """Momentum orthogonalised by Newton and Schulz's iteration, for matrices.

    ```python
    velocity = gamma * velocity + (1 - gamma) * g
    u = gamma * velocity + (1 - gamma) * g         # velocity, without `nesterov`
    w = w - learning_rate * rms_rate * sqrt(max(n, m)) * orthogonalized(u)
    ```

    where the matrix u has the shape (n, m) and `orthogonalized` sets its singular
    values to 1, roughly. Keras keeps the sum of gradients, `gamma * velocity + g`;
    while gamma is constant that has the same direction, and this is
    `keras.optimizers.Muon`. Here gamma can be warmed up and cooled down.

    Every weight of two dimensions is a matrix, as in Keras, also a bias that has two.
    Kernels of more are matrices of all dimensions but the last × the last: those of
    convolutions (height · width · in) × out; and those of query, key and value of
    Keras's attention layers input × (heads · size). All other weights, embeddings and
    what `exclude` names follow `MomentumAdam`, of which the arguments that begin with
    `adam_` are.

    Args:
        learning_rate: A float, a schedule, or a callable. Defaults to `0.001`.
        momentum: Gamma, of matrices: a float in [0, 1], a schedule, or a callable.
            Defaults to `0.95`.
        nesterov: Whether to look ahead. Defaults to `True`.
        ns_steps: An integer >= 1, steps of the iteration. Defaults to `5`.
        ns_coefficients: Three floats: those of its polynomial a x + b x³ + c x⁵.
            Defaults to `(3.4445, -4.775, 2.0315)`, Jordan's.
        rms_rate: A float > 0, the root mean square of an update with a learning rate of
            1, or `None`, by which the root is left out too. Defaults to `0.2`, Adam's.
        exclude: Regular expressions; a weight whose path has a match follows Adam: that
            of the output layer, for example. Defaults to `()`.
        exclude_embeddings: Whether weights with "embedding" in their path follow Adam.
            Defaults to `True`.
        adam_lr_ratio: Adam's learning rate is that of matrices times this: a float >=
            0, a schedule, or a callable. Defaults to `1.0`.
        adam_beta_1: A float in [0, 1], a schedule, or a callable. Defaults to `0.9`.
        adam_beta_2: A float in [0, 1), a schedule, or a callable. Defaults to `0.999`.
        epsilon: Adam's: a float > 0, a schedule, or a callable. Defaults to `1e-7`.
        weight_decay: Of matrices: `None`, or a float >= 0, a schedule, or a callable.
            Defaults to `0.004`.
        adam_weight_decay: Of all other weights, likewise. Defaults to `0.004`.
        **kwargs: See `keras_momentum.optimizers.MomentumOptimizer`.

    Raises:
        ValueError: If an argument is not as said.

    Example:

    >>> import keras_momentum
    >>> warmup = keras_momentum.schedules.LinearRamp(0.85, 0.95, steps=300)
    >>> optimizer = keras_momentum.Muon(learning_rate=0.02, momentum=warmup)
    >>> w = keras.Variable([[1.0, 0.0], [0.0, 1.0]])
    >>> optimizer.apply([[[3.0, 0.0], [0.0, 3.0]]], [w])
    >>> round(float(optimizer.gamma), 5)
    0.85033

    Reference:

    - Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks".
    - Liu et al., 2025, "Muon is scalable for LLM training" (`rms_rate`).
    """

    adam_lr_ratio = Moving("[0, inf)", "Adam's learning rate over that of matrices.")
    adam_beta_1 = Moving("[0, 1]", "The beta_1 of what follows Adam.")
    adam_beta_2 = Moving("[0, 1)", "The beta_2 of what follows Adam.")
    epsilon = Moving("(0, inf)", "What is added to the root of the second moment.")
    adam_weight_decay = MovingDecay(
        "[0, inf)", "The weight decay of what follows Adam; see `weight_decay`."
    )

    slots = ("velocity", "second_moment")
    # What the slots of Adam are for gradients of 1.
    scalars = ("velocity_weight", "second_moment_weight")
    argument_names = (
        *("nesterov", "ns_steps", "ns_coefficients", "rms_rate"),
        *("exclude", "exclude_embeddings"),
    )

    def __init__(
        self,
        learning_rate: Any = 0.001,
        momentum: HyperparameterLike = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        ns_coefficients: Sequence[float] = (3.4445, -4.775, 2.0315),
        rms_rate: float | None = 0.2,
        exclude: Sequence[str] = (),
        exclude_embeddings: bool = True,
        adam_lr_ratio: HyperparameterLike = 1.0,
        adam_beta_1: HyperparameterLike = 0.9,
        adam_beta_2: HyperparameterLike = 0.999,
        epsilon: HyperparameterLike = 1e-7,
        weight_decay: HyperparameterLike | None = 0.004,
        adam_weight_decay: HyperparameterLike | None = 0.004,
        **kwargs: Unpack[ArgumentsButDecay],
    ):
        others = {
            "adam_lr_ratio": adam_lr_ratio,
            "adam_beta_1": adam_beta_1,
            "adam_beta_2": adam_beta_2,
            "epsilon": epsilon,
            "adam_weight_decay": adam_weight_decay,
        }
        super().__init__(
            learning_rate, momentum, others, weight_decay=weight_decay, **kwargs
        )
        self.nesterov = arguments.boolean("nesterov", nesterov)
        self.ns_steps = arguments.integer("ns_steps", ns_steps, minimum=1)
        self.ns_coefficients = arguments.floats("ns_coefficients", ns_coefficients, 3)
        self.rms_rate = (
            None if rms_rate is None else arguments.positive_float("rms_rate", rms_rate)
        )
        self.exclude = arguments.patterns("exclude", exclude)
        self.exclude_embeddings = arguments.boolean(
            "exclude_embeddings", exclude_embeddings
        )

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        if step.kind is None:
            return self._adam(gradient, slots, step)
        velocity = step.gamma * slots.velocity + step.share * gradient
        u = velocity
        if self.nesterov:
            u = step.scheduled_gamma * velocity + step.share * gradient
        # Keras adds its 1e-7 to the norm of a sum, which is 1/(1 − gamma) times this.
        matrices = ops.reshape(u, (-1, *step.kind))
        unit = orthogonalized(
            matrices, self.ns_steps, self.ns_coefficients, 1e-7 * step.share
        )
        rate = self.rms_rate
        scale = 1.0 if rate is None else rate * math.sqrt(max(step.kind))
        difference = (scale * step.learning_rate) * ops.reshape(unit, u.shape)
        return difference, {"velocity": velocity}

    def _adam(self, gradient: Any, slots: Any, step: Any) -> tuple[Any, dict[str, Any]]:
        m = step.kept_beta_1 * slots.velocity + step.adam_share * gradient
        s = step.adam_beta_2 * slots.second_moment + square(step.adam_root * gradient)
        s = finite(s)
        rooted = step.root_of_s * sqrt(s) + step.epsilon
        return step.adam_rate * m / rooted, {"velocity": m, "second_moment": s}

    def scalars_after(self, step: Any) -> dict[str, Any]:
        kept = step.kept * step.adam_beta_1
        m_weight = kept * step.velocity_weight + share(step.one_minus_adam_beta_1)
        s_weight = (
            step.adam_beta_2 * step.second_moment_weight + step.one_minus_adam_beta_2
        )
        return {"velocity_weight": m_weight, "second_moment_weight": s_weight}

    def factors(self, step: Any, after: Mapping[str, Any]) -> dict[str, Any]:
        """1 − gamma, and those of Adam: see `MomentumAdam`."""
        rate = step.learning_rate * step.adam_lr_ratio
        return {
            "share": share(step.one_minus_gamma),
            "kept_beta_1": step.kept * step.adam_beta_1,
            "adam_share": share(step.one_minus_adam_beta_1),
            "adam_rate": rate / after["velocity_weight"],
            "root_of_s": inverse_root(after["second_moment_weight"]),
            "adam_root": root(step.one_minus_adam_beta_2),
        }

    def scalars_of_absent(self, step: Any) -> dict[str, Any]:
        return {"velocity_weight": step.kept * step.velocity_weight}

    def is_elementwise(self, weight: Any) -> bool:
        return self.kind(weight) is None

    def kind(self, weight: Any) -> tuple[int, int] | None:
        """Rows and columns of a matrix; `None` if a weight is none."""
        shape, path = tuple(weight.shape), getattr(weight, "path", weight.name)
        is_embedding = self.exclude_embeddings and "embedding" in path.lower()
        if len(shape) < 2 or 0 in shape or is_embedding:
            return None
        if any(re.search(pattern, path) for pattern in self.exclude):
            return None
        if len(shape) == 2:
            return shape
        # Input × heads × size; of other kernels the last dimension is the output.
        inputs = 1 if len(shape) == 3 and _INPUT_FIRST.search(path) else len(shape) - 1
        matrix = math.prod(shape[:inputs]), math.prod(shape[inputs:])
        return matrix if _KERNEL.search(path) and 1 not in matrix else None

    def slots_of(self, kind: Hashable) -> tuple[str, ...]:
        return self.slots if kind is None else ("velocity",)

    def weight_decay_of(self, kind: Hashable) -> str:
        return "adam_weight_decay" if kind is None else "weight_decay"

    def gain(self, gamma: float) -> float:
        return 1.0  # The velocity is an average.

    def largest_gradient(self, dtype: str) -> float:
        return squarable(dtype)

    @classmethod
    def from_keras(cls, optimizer: Any) -> "Muon":
        """Takes over a built `keras.optimizers.Muon`, in the middle of a run.

        The next step is what it would have been, but for epsilon's place in Adam. Also
        kernels of more than two dimensions, of convolutions and attention, go on with
        Adam: `exclude` names them.
        """
        check(optimizer, keras.optimizers.Muon)
        kernels = [w.path for w in optimizer._trainable_variables if len(w.shape) > 2]
        t = int(optimizer.iterations)
        gamma, beta_1, beta_2 = (
            getattr(optimizer, name)
            for name in ("momentum", "adam_beta_1", "adam_beta_2")
        )
        return take_over(
            cls,
            optimizer,
            lambda index: {
                "velocity": (
                    "momentums",
                    1.0 if optimizer.adam_velocities[index] is not None else 1 - gamma,
                ),
                "second_moment": ("adam_velocities", 1.0),
            },
            {"velocity_weight": 1 - beta_1**t, "second_moment_weight": 1 - beta_2**t},
            ns_coefficients=[getattr(optimizer, f"muon_{letter}") for letter in "abc"],
            exclude=[
                *optimizer.exclude_layers,
                *(f"^{re.escape(path)}$" for path in kernels),
            ],
        )


_KERNEL = re.compile(r"kernel(:\d+)?$")
_INPUT_FIRST = re.compile(r"(^|/)(query|key|value)/kernel")
