"""Optimizers of users, written as docs/write-your-own.md says: a second one is Lion."""

from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.optimizers import MomentumOptimizer, Moving
from keras_momentum.optimizers.elementwise import maximum
from tests import reference, reference_today
from tests.optimizers.family import Table
from tests.optimizers.training import losses
from tests.stepping import MODES, relative_error, stepper


@keras.saving.register_keras_serializable(package="tests")
class Lion(MomentumOptimizer):
    """Chen et al., 2023, "Symbolic discovery of optimization algorithms"."""

    beta_2 = Moving("[0, 1]", "What is kept of the velocity.")
    gamma_argument = "beta_1"

    def __init__(
        self,
        learning_rate: Any = 1e-4,
        beta_1: Any = 0.9,
        beta_2: Any = 0.99,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, beta_1, {"beta_2": beta_2}, **kwargs)

    def update(
        self, gradient: Any, slots: Any, step: Any
    ) -> tuple[Any, dict[str, Any]]:
        mixed = step.gamma * slots.velocity + step.one_minus_gamma * gradient
        kept = step.beta_2 * step.kept
        velocity = kept * slots.velocity + step.one_minus_beta_2 * gradient
        # The sign, which of 0 is 0.
        sign = mixed / (maximum(mixed, -mixed) + 1e-30)
        return step.learning_rate * sign, {"velocity": velocity}


STEPS = 16
SHAPES = [(3, 4), (5,), (), (130, 130)]
RNG = np.random.default_rng(2)
FIRST = [np.float32(RNG.normal(size=shape)) for shape in SHAPES]
GRADIENTS = [[np.float32(RNG.normal(size=s)) for s in SHAPES] for _ in range(STEPS)]
GAMMAS = RNG.uniform(0.0, 0.99, STEPS + 1).astype(np.float32)


@pytest.mark.parametrize("mode", MODES)
def test_lion_follows_its_formula(mode: str) -> None:
    optimizer = Lion(0.01, Table(GAMMAS), restart_every=6, weight_decay=0.5)
    weights = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(optimizer, weights, mode)
    for gradients in GRADIENTS:
        step(*gradients)
    eta = np.full(STEPS, np.float64(np.float32(0.01)))
    restart = reference.restarts(STEPS, every=6)
    for i, (weight, first) in enumerate(zip(weights, FIRST, strict=True)):
        g = [gradients[i].astype(np.float64) for gradients in GRADIENTS]
        expected = reference_today.lion(
            *(np.asarray(first, np.float64), np.stack(g), eta),
            *(GAMMAS.astype(np.float64), restart),
            weight_decay=0.5,
        )
        assert relative_error(weight, expected) < 1e-5


def test_lion_leaves_a_weight_with_a_gradient_of_0() -> None:
    weight = keras.Variable([1.0, 2.0])
    stepper(Lion(0.1), [weight], MODES[-1])(np.zeros(2, np.float32))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), [1.0, 2.0])


def test_a_formula_alone_is_an_optimizer() -> None:
    class Mine(MomentumOptimizer):
        slots = ("velocity",)

        def update(self, gradient: Any, slots: Any, step: Any) -> Any:
            velocity = step.gamma * slots.velocity + step.learning_rate * gradient
            return velocity, {"velocity": velocity}

    mine = losses(Mine(0.02, 0.9, restart_every=5))
    assert mine == losses(keras_momentum.Momentum(0.02, 0.9, restart_every=5))


@pytest.mark.parametrize("others", [{}, {"nu": 0.5, "mu": 0.5}])
def test_what_is_declared_is_what_is_given(others: dict[str, float]) -> None:
    class Mine(MomentumOptimizer):
        nu = Moving("[0, 1]", "A share.")

    name = "mu" if others else "nu"
    with pytest.raises(TypeError, match=f"Mine must declare.*Moving.*for {name}"):
        Mine(0.1, 0.9, others)
