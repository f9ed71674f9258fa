"""Every optimizer is a full citizen of Keras: what works with Keras's works with it."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from keras.optimizers.schedules import PolynomialDecay

import keras_momentum
from tests.optimizers.family import OURS, Case, family, house
from tests.optimizers.training import BACKEND, X, Y, fit, small_model


def test_the_family_is_complete() -> None:
    found = {
        name
        for name, value in vars(keras_momentum).items()
        if isinstance(value, type)
        and issubclass(value, keras_momentum.optimizers.MomentumOptimizer)
    }
    assert found == set(OURS)


@family
def test_every_variable_is_listed_once_under_a_path_of_its_own(case: Case) -> None:
    model = small_model(
        case.make(0.02, 0.9, use_ema=True, gradient_accumulation_steps=2)
    )
    fit(model)
    paths = [variable.path for variable in model.optimizer.variables]
    assert len(paths) == len(set(paths))
    ids = [id(variable) for variable in model.optimizer.variables]
    assert len(ids) == len(set(ids))


@family
def test_all_ways_to_train_are_the_same_training(case: Case) -> None:
    batches = [(X[i : i + 4], Y[i : i + 4]) for i in range(0, 24, 4)]
    keras.utils.set_random_seed(3)
    by_fit = small_model(case.make(0.02, 0.9))
    fit(by_fit, epochs=1)
    keras.utils.set_random_seed(3)
    by_batch = small_model(case.make(0.02, 0.9))
    for x, y in batches:
        by_batch.train_on_batch(x, y)
    models = [by_fit, by_batch]
    if BACKEND != "torch":
        keras.utils.set_random_seed(3)
        several = small_model(case.make(0.02, 0.9))
        several.compile(several.optimizer, "mse", steps_per_execution=3)
        fit(several, epochs=1)
        models.append(several)
    for a, b in itertools.pairwise(models):
        for one, other in zip(a.get_weights(), b.get_weights(), strict=True):
            np.testing.assert_allclose(
                one, other, rtol=case.tolerance, atol=case.tolerance / 10
            )


@house
def test_apply_gradients_is_apply(case: Case) -> None:
    weights = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 2), ()]]
    others = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 2), ()]]
    one, other = case.make(0.1, 0.9), case.make(0.1, 0.9)
    for _ in range(3):
        gradients = [ops.ones((3, 2)), ops.ones(())]
        one.apply(gradients, weights)
        other.apply_gradients(zip(gradients, others, strict=True))
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


@family
def test_weight_decay_leaves_out_what_it_is_told(case: Case) -> None:
    optimizer = case.make(0.02, 0.9, **case.decay(0.5))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    kernel = keras.Variable(np.ones(3, np.float32), name="kernel")
    bias = keras.Variable(np.ones(3, np.float32), name="bias")
    optimizer.apply([ops.zeros(3), ops.zeros(3)], [kernel, bias])
    np.testing.assert_allclose(ops.convert_to_numpy(kernel), 0.99, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(bias), 1.0)


@family
def test_what_is_seen_of_an_update_includes_weight_decay(case: Case) -> None:
    shapes = [(128, 130), (3, 2), (4,)]
    weights = [keras.Variable(np.full(shape, 2.0, np.float32)) for shape in shapes]
    optimizer = case.make(0.02, 0.9, **case.decay(5.0))
    optimizer.exclude_from_weight_decay(var_list=weights[2:])
    optimizer.is_observed = True
    for _ in range(3):
        before = [ops.convert_to_numpy(weight).astype(float) for weight in weights]
        optimizer.apply([0.01 * ops.ones(shape) for shape in shapes], weights)
        after = [ops.convert_to_numpy(weight).astype(float) for weight in weights]
        moved = sum(np.sum((b - a) ** 2) for a, b in zip(after, before, strict=True))
        ratio = np.sqrt(moved / sum(np.sum(b**2) for b in before))
        assert optimizer.observation().update_ratio == pytest.approx(ratio, rel=1e-4)
    # The decay is a tenth of the weights, and far more than the gradient's part.
    assert ratio > 0.05


@house
def test_frozen_layers_stay(case: Case) -> None:
    model = small_model(case.make(0.02, 0.9))
    model.layers[0].trainable = False
    model.compile(case.make(0.02, 0.9), "mse")
    before = model.layers[0].get_weights()
    fit(model)
    for a, b in zip(before, model.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@family
def test_weight_without_gradient_stays_with_its_velocity(case: Case) -> None:
    variables = [keras.Variable(np.ones(s, np.float32)) for s in [(3,), (2, 2), ()]]
    optimizer = case.make(0.1, 0.5)
    optimizer.apply([ops.ones(v.shape) for v in variables], variables)
    before = ops.convert_to_numpy(variables[1])
    velocity = ops.convert_to_numpy(optimizer.velocity(variables[1]))
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([ops.ones(3), None, ops.ones(())], variables)
    np.testing.assert_array_equal(before, ops.convert_to_numpy(variables[1]))
    np.testing.assert_array_equal(
        velocity, ops.convert_to_numpy(optimizer.velocity(variables[1]))
    )


@family
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"clipnorm": 0.02},
        {"loss_scale_factor": 8.0},
        {"skip_nonfinite": True, "restart_when": "gradient"},
        {"gradient_accumulation_steps": 2},
    ],
    ids=lambda arguments: next(iter(arguments), "alone"),
)
def test_sparse_gradients_of_an_embedding_equal_dense_ones(
    case: Case, arguments: dict[str, Any]
) -> None:
    tokens = np.arange(64).reshape(32, 2) % 7
    one_hot = keras.utils.to_categorical(tokens, 50)
    # Two models in one, which have nothing in common but the optimizer.
    first, inputs, outputs = [], [], []
    for layer, shape in (
        (keras.layers.Embedding(50, 4), (2,)),
        (keras.layers.Dense(4, use_bias=False), (2, 50)),
    ):
        inputs.append(keras.Input(shape))
        last = keras.layers.Dense(1)
        outputs.append(last(layer(inputs[-1])))
        layer.set_weights([np.ones((50, 4)) / 10])
        last.set_weights([np.ones((4, 1)) / 2, np.zeros(1)])
        first.append(layer)
    model = keras.Model(inputs, outputs)
    # What is done after the gradient is made dense needs no graph of its own.
    is_eager = not arguments.keys().isdisjoint({"clipnorm", "loss_scale_factor"})
    optimizer = case.make(0.02, 0.9, **arguments, **case.embeddings)
    model.compile(optimizer, ["mse", "mse"], run_eagerly=is_eager)
    model.fit(
        [tokens, one_hot], 2 * [np.ones((32, 2, 1))], epochs=4, shuffle=False, verbose=0
    )
    embedded, dense = [layer.get_weights()[0] for layer in first]
    assert np.abs(embedded - 0.1).max() > 1e-4
    np.testing.assert_allclose(
        embedded, dense, rtol=10 * case.tolerance, atol=case.tolerance
    )


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX compiles what is not called so")
@family
@pytest.mark.parametrize("gamma", [0.9, PolynomialDecay(0.5, 30, 0.95)])
def test_an_eager_update_compiles_nothing_again(case: Case, gamma: Any) -> None:
    import jax

    compiled: list[str] = []

    def note(event: str, *_: Any, **__: Any) -> None:
        if "compile" in event:
            compiled.append(event)

    weights = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 2), ()]]
    optimizer = case.make(
        0.1, gamma, skip_nonfinite=True, restart_every=3, restart_when="gradient"
    )
    if gamma == 0.9:
        optimizer.ramp("gamma", 0.5, 0.9, steps=4)
    for t in range(12):
        if t == 6:
            jax.monitoring.register_event_duration_secs_listener(note)
        optimizer.apply([ops.ones((3, 2)), -ops.ones(())], weights)
    jax.monitoring.clear_event_listeners()
    assert compiled == []


@pytest.mark.skipif(
    BACKEND != "jax", reason="stateless_apply is tested where it is used"
)
@family
def test_stateless_apply(case: Case) -> None:
    weights = [keras.Variable(np.ones(s, np.float32)) for s in [(3, 2), ()]]
    optimizer = case.make(0.1, 0.9)
    optimizer.build(weights)
    gradients = [ops.ones((3, 2)), ops.ones(())]
    values, state = optimizer.stateless_apply(
        [variable.value for variable in optimizer.variables],
        gradients,
        [weight.value for weight in weights],
    )
    optimizer.apply(gradients, weights)
    for value, weight in zip(values, weights, strict=True):
        np.testing.assert_array_equal(value, weight.value)
    for value, variable in zip(state, optimizer.variables, strict=True):
        np.testing.assert_array_equal(value, variable.value)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="it is TensorFlow's own variable")
@family
def test_variables_of_tensorflow(case: Case) -> None:
    import tensorflow as tf

    first = [np.ones(shape, np.float32) for shape in [(3, 2), (), (150, 150)]]
    weights = [tf.Variable(value) for value in first]
    optimizer = case.make(0.1, 0.9)

    @tf.function
    def step() -> None:
        optimizer.apply([tf.ones_like(weight) for weight in weights], weights)

    others = [keras.Variable(value) for value in first]
    other = case.make(0.1, 0.9)
    for _ in range(3):
        step()
        other.apply([ops.ones(weight.shape) for weight in others], others)
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=case.tolerance / 10)
        np.testing.assert_allclose(
            optimizer.velocity(a).numpy(), other.velocity(b).numpy(), rtol=1e-6
        )
