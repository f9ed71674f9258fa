"""Weights, policies and variables of all float types."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests.optimizers.family import Case, family, house
from tests.optimizers.training import X, Y, fit, small_model
from tests.stepping import MODES, relative_error, stepper

DTYPES = ["float32", "float64", "bfloat16", "float32", "float64", "bfloat16"]


@family
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.usefixtures("float64_allowed")
def test_each_dtype_is_updated_in_its_own(case: Case, mode: str) -> None:
    variables = [keras.Variable([1.0, 2.0], dtype=dtype) for dtype in DTYPES]
    step = stepper(case.make(0.125, 0.5), variables, mode)
    for _ in range(4):
        step(*[ops.ones(2, dtype) for dtype in DTYPES])
    expected = ops.convert_to_numpy(variables[1])
    for variable, dtype in zip(variables, DTYPES, strict=True):
        assert keras.backend.standardize_dtype(variable.dtype) == dtype
        tolerance = 0.02 if dtype == "bfloat16" else case.tolerance / 10
        assert relative_error(ops.cast(variable, "float64"), expected) < tolerance


@family
@pytest.mark.usefixtures("float64_allowed")
def test_one_model_of_all_dtypes_learns(case: Case) -> None:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            *(keras.layers.Dense(5, "tanh", dtype=dtype) for dtype in DTYPES),
            keras.layers.Dense(1),
        ]
    )
    model.compile(case.make(0.005 * case.rate, 0.9), "mse")
    history = model.fit(X, Y, epochs=8, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]
    dtypes = [keras.backend.standardize_dtype(w.dtype) for w in model.weights]
    assert dtypes == [dtype for dtype in [*DTYPES, "float32"] for _ in range(2)]


@family
def test_coefficients_keep_their_digits_where_all_of_keras_has_16_bits(
    case: Case,
) -> None:
    keras.config.set_floatx("bfloat16")
    optimizer = case.make(0.01, 0.999)
    assert float(ops.convert_to_numpy(optimizer.gamma)) == pytest.approx(0.999)
    model = small_model(optimizer)
    fit(model)
    for weight in model.weights:
        assert np.isfinite(ops.convert_to_numpy(weight).astype(float)).all()


@house
def test_loss_scale_optimizer_leaves_out_what_overflows(case: Case) -> None:
    ramp = keras_momentum.schedules.LinearRamp(0.2, 0.9, steps=8)
    inner, twin = [case.make(0.02, ramp, restart_every=3) for _ in range(2)]
    scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    weights, twins = [
        [keras.Variable([1.0, 2.0]), keras.Variable(3.0)] for _ in range(2)
    ]
    scaled.build(weights)
    step = stepper(scaled, weights, MODES[-1])
    twin_step = stepper(twin, twins, MODES[-1])
    for t in range(10):
        gradients = [np.array([0.5, -0.25], "float32"), np.array(0.1 * t, "float32")]
        scale = ops.convert_to_numpy(scaled.dynamic_scale)
        if t in (2, 3, 7):
            step(np.array([np.inf, 1.0], "float32"), gradients[1])
        else:
            step(*[gradient * scale for gradient in gradients])
            twin_step(*gradients)
    assert int(inner.iterations) == 7
    for weight, other in zip(weights, twins, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(weight),
            ops.convert_to_numpy(other),
            rtol=case.tolerance / 10,
        )


@house
def test_scales_of_float8_are_overwritten_and_have_no_slots(case: Case) -> None:
    kernel, scale = keras.Variable([1.0, 2.0]), keras.Variable([3.0])
    scale.overwrite_with_gradient = True
    optimizer = case.make(0.02, 0.9)
    optimizer.apply([ops.ones(2), 7.0 * ops.ones(1)], [kernel, scale])
    assert float(ops.convert_to_numpy(scale)[0]) == 7.0
    saved: dict[str, np.ndarray] = {}
    optimizer.save_own_variables(saved)
    assert [value.shape for value in saved.values()].count((1,)) == 0
    assert [value.shape for value in saved.values()].count((2,)) >= 1


@family
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_policies_of_16_bits(case: Case, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    model = small_model(case.make(0.01, 0.9))
    history = fit(model, epochs=6)
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    assert np.isfinite(history).all()
    assert history[-1] < history[0]
