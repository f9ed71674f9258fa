"""What Keras does around a step, it does around ours, with the same result."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests.optimizers.family import TwinCase, family
from tests.optimizers.training import X, fit, losses, small_model


def pair(
    case: TwinCase, rate: float = 0.02, gamma: float = 0.8, **arguments: Any
) -> tuple[Any, Any]:
    """Our optimizer and Keras's for the same constant gamma."""
    theirs = case.keras_twin(rate, gamma)
    if isinstance(theirs, keras.optimizers.Adam | keras.optimizers.Muon):
        # Keras has it in another place, which a tiny one does not show.
        arguments["epsilon"] = 1e-12
    config = {**theirs.get_config(), **arguments}
    return case.make(rate, gamma, **arguments), type(theirs).from_config(config)


@family
@pytest.mark.parametrize(
    "arguments",
    [
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 3},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_what_lasts_over_several_steps_equals_keras(
    case: TwinCase, arguments: dict[str, Any]
) -> None:
    """Around the same step Keras's own optimizer does the same things."""
    ours, theirs = [losses(each, epochs=4) for each in pair(case, **arguments)]
    # In float32 Keras's 1 − beta_2 ** t has an error of 6e-5 at first.
    np.testing.assert_allclose(ours, theirs, rtol=10 * case.tolerance)


@family
@pytest.mark.parametrize(
    "arguments",
    [
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"clipvalue": 0.01},
        {"global_clipnorm": 0.1},
        {"loss_scale_factor": 8.0},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_what_is_done_to_each_gradient_equals_keras(
    case: TwinCase, arguments: dict[str, Any]
) -> None:
    found = []
    for optimizer in pair(case, **arguments):
        weights = [keras.Variable(value) for value in (X[:3, :2], X[0])]
        for _ in range(12):
            optimizer.apply([weight / 8 for weight in weights], weights)
        found.append([ops.convert_to_numpy(weight) for weight in weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(
            ours, theirs, rtol=10 * case.tolerance, atol=case.tolerance
        )


@family
def test_constraints_hold_after_each_step(case: TwinCase) -> None:
    models = []
    for optimizer in pair(case):
        keras.utils.set_random_seed(3)
        models.append(small_model(optimizer, kernel_constraint="non_neg"))
        fit(models[-1])
    ours, theirs = [model.get_weights() for model in models]
    assert ours[0].min() == 0.0
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(
            one, other, rtol=20 * case.tolerance, atol=case.tolerance / 5
        )


@family
def test_multi_optimizer(case: TwinCase) -> None:
    def both(of_kernels: Any, of_biases: Any) -> Any:
        return keras.optimizers.MultiOptimizer(
            lambda weight: of_kernels if "kernel" in weight.path else of_biases
        )

    pairs = pair(case, 0.02, 0.8), pair(case, 0.01, 0.5)
    ours, theirs = itertools.starmap(both, zip(*pairs, strict=True))
    found = losses(ours), losses(theirs)
    np.testing.assert_allclose(*found, rtol=10 * case.tolerance)
    inside = keras_momentum.callbacks.momentum_optimizers(small_model(ours))
    gammas = [float(ops.convert_to_numpy(each.gamma)) for each in inside]
    assert gammas == pytest.approx([0.8, 0.5])
