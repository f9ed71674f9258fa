"""Every optimizer is a full citizen of Keras: what works with Keras's works with it."""

import copy
import itertools
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum.schedules import LinearRamp
from tests.optimizers.family import PLAIN, Case
from tests.stepping import relative_error

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype(np.float32)
Y = X[:, :1] - X[:, 1:2]

family = pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN.keys())
CLASSES = {name: getattr(keras_momentum, name) for name in PLAIN}


def small_model(optimizer: Any, **layer: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="tanh", **layer),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse")
    return model


def fit(model: keras.Model, **arguments: Any) -> list[float]:
    arguments = {"batch_size": 4, "epochs": 2, "shuffle": False, **arguments}
    return model.fit(X, Y, verbose=0, **arguments).history["loss"]


def losses(optimizer: Any, **arguments: Any) -> list[float]:
    keras.utils.set_random_seed(3)
    return fit(small_model(optimizer), **arguments)


def test_the_family_is_complete() -> None:
    found = {
        name
        for name, value in vars(keras_momentum).items()
        if isinstance(value, type)
        and issubclass(value, keras_momentum.optimizers.MomentumOptimizer)
    }
    assert found == set(PLAIN)


@family
@pytest.mark.parametrize("form", ["model", "weights"])
def test_saved_in_mid_ramp_it_goes_on_bit_for_bit(
    case: Case, form: str, tmp_path: Path
) -> None:
    # On JAX a second fit with EMA fails, with Keras's own optimizers too.
    ema = {"use_ema": BACKEND != "jax"}
    model = small_model(case.make(0.02, 0.9, restart_every=5, **ema))
    model.optimizer.ramp_gamma(0.1, 0.95, steps=20)
    fit(model)
    model.optimizer.restart()
    if form == "model":
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
    else:
        model.save_weights(tmp_path / "model.weights.h5")
        restored = small_model(case.make(0.02, 0.9, **ema))
        restored.optimizer.build(restored.trainable_variables)
        restored.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(
        model.optimizer.variables, restored.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
        )
    assert fit(restored) == fit(model)
    for a, b in zip(restored.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@family
@pytest.mark.parametrize(
    "gamma",
    [
        0.8,
        LinearRamp(0.2, 0.9, steps=7),
        keras.optimizers.schedules.CosineDecay(0.9, 9),
    ],
    ids=["float", "ours", "Keras's"],
)
def test_config_makes_an_optimizer_that_behaves_the_same(
    case: Case, gamma: Any
) -> None:
    first = case.make(0.02, gamma, restart_every=3, clipnorm=1.0, skip_nonfinite=True)
    second = keras.optimizers.deserialize(keras.optimizers.serialize(first))
    assert type(second) is type(first)
    assert keras.optimizers.serialize(second) == keras.optimizers.serialize(first)
    assert losses(first) == losses(second)


@pytest.mark.parametrize("name", CLASSES)
def test_it_is_registered_under_the_name_of_the_package(name: str) -> None:
    made = keras.optimizers.get({"class_name": f"keras_momentum>{name}", "config": {}})
    assert type(made) is CLASSES[name]
    assert keras.saving.get_registered_name(CLASSES[name]) == f"keras_momentum>{name}"
    assert keras.optimizers.get(made) is made


@family
@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))]
)
def test_copy_and_pickle_keep_the_state(case: Case, copied: Any) -> None:
    model = small_model(case.make(0.02, 0.9, restart_every=4))
    fit(model)
    model.optimizer.gamma = 0.7
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    optimizer = copied(model.optimizer)
    assert float(ops.convert_to_numpy(optimizer.gamma)) == pytest.approx(0.7)
    twin.compile(optimizer, "mse")
    assert fit(twin) == fit(model)


@family
def test_pickled_model_goes_on(case: Case) -> None:
    model = small_model(case.make(0.02, 0.9, restart_every=4))
    fit(model)
    assert fit(pickle.loads(pickle.dumps(model))) == fit(model)


@family
def test_compile_config_makes_the_optimizer_again(case: Case) -> None:
    model = small_model(case.make(0.02, LinearRamp(steps=9)))
    twin = keras.models.clone_model(model)
    twin.compile_from_config(model.get_compile_config())
    twin.set_weights(model.get_weights())
    assert fit(twin) == fit(model)


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
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@family
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
@pytest.mark.parametrize(
    "arguments",
    [
        {"weight_decay": 0.1},
        {"clipnorm": 0.1},
        {"clipvalue": 0.01},
        {"global_clipnorm": 0.1},
        {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3},
        {"gradient_accumulation_steps": 3},
        {"loss_scale_factor": 8.0},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
def test_what_the_base_class_does_equals_keras(
    case: Case, arguments: dict[str, Any]
) -> None:
    """Around the same step Keras's own optimizer does the same things."""
    assert case.keras_twin
    theirs = case.keras_twin(0.02, 0.8)
    theirs = type(theirs).from_config({**theirs.get_config(), **arguments})
    ours = losses(case.make(0.02, 0.8, **arguments), epochs=4)
    np.testing.assert_allclose(ours, losses(theirs, epochs=4), rtol=2e-4)


@family
def test_weight_decay_leaves_out_what_it_is_told(case: Case) -> None:
    optimizer = case.make(0.02, 0.9, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    kernel = keras.Variable(np.ones(3, np.float32), name="kernel")
    bias = keras.Variable(np.ones(3, np.float32), name="bias")
    optimizer.apply([ops.zeros(3), ops.zeros(3)], [kernel, bias])
    np.testing.assert_allclose(ops.convert_to_numpy(kernel), 0.99, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(bias), 1.0)


@family
def test_constraints_hold_after_each_step(case: Case) -> None:
    keras.utils.set_random_seed(3)
    model = small_model(case.make(0.1, 0.9), kernel_constraint="non_neg")
    fit(model)
    assert model.get_weights()[0].min() >= 0.0


@family
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
def test_sparse_gradients_of_an_embedding_equal_dense_ones(case: Case) -> None:
    tokens = np.arange(64).reshape(32, 2) % 7
    one_hot = keras.utils.to_categorical(tokens, 50)
    results = []
    for layer, data in (
        (keras.layers.Embedding(50, 4), tokens),
        (keras.layers.Dense(4, use_bias=False), one_hot),
    ):
        model = keras.Sequential([layer, keras.layers.Dense(1)])
        model.build(data.shape)
        table, kernel = np.ones((50, 4)) / 10, np.ones((4, 1)) / 2
        layer.set_weights([table])
        model.layers[1].set_weights([kernel, np.zeros(1)])
        model.compile(case.make(0.02, 0.9), "mse")
        model.fit(data, np.ones((32, 2, 1)), epochs=4, shuffle=False, verbose=0)
        results.append(model.get_weights()[0])
    embedded, dense = results
    np.testing.assert_allclose(embedded, dense, rtol=1e-4, atol=1e-5)


@family
def test_each_dtype_is_updated_in_its_own(case: Case) -> None:
    dtypes = ["float32", "float64", "bfloat16", "float32", "float64", "bfloat16"]
    if BACKEND == "jax":
        dtypes = [dtype for dtype in dtypes if dtype != "float64"]
    variables = [keras.Variable([1.0, 2.0], dtype=dtype) for dtype in dtypes]
    optimizer = case.make(0.125, 0.5)
    for _ in range(4):
        optimizer.apply([ops.ones(2, dtype) for dtype in dtypes], variables)
    for variable, dtype in zip(variables, dtypes, strict=True):
        assert keras.backend.standardize_dtype(variable.dtype) == dtype
        expected = ops.convert_to_numpy(variables[0]).astype(float)
        assert relative_error(ops.cast(variable, "float32"), expected) < 0.02


@family
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_policies_of_16_bits(case: Case, policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = small_model(case.make(0.01, 0.9))
        history = fit(model, epochs=6)
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
    assert np.isfinite(history).all()
    assert history[-1] < history[0]


@family
def test_multi_optimizer(case: Case) -> None:
    def make() -> Any:
        ours, other = case.make(0.02, 0.9), case.make(0.01, 0.5)
        return keras.optimizers.MultiOptimizer(
            lambda variable: ours if "kernel" in variable.path else other
        )

    optimizer = make()
    model = small_model(optimizer)
    history = fit(model, epochs=6)
    assert history[-1] < history[0]
    found = keras_momentum.callbacks.momentum_optimizers(model)
    assert [float(ops.convert_to_numpy(o.gamma)) for o in found] == pytest.approx(
        [0.9, 0.5]
    )


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


@pytest.mark.skipif(BACKEND != "tensorflow", reason="it is TensorFlow's own format")
@family
def test_checkpoint_of_tensorflow(case: Case, tmp_path: Path) -> None:
    import tensorflow as tf

    model = small_model(case.make(0.05, 0.3, restart_every=4))
    fit(model)
    optimizer = model.optimizer
    path = tf.train.Checkpoint(optimizer=optimizer).write(str(tmp_path / "state"))
    expected = [variable.numpy() for variable in optimizer.variables]
    for variable in optimizer.variables:
        variable.assign(tf.zeros_like(variable.value))
    tf.train.Checkpoint(optimizer=optimizer).read(path).assert_consumed()
    for variable, value in zip(optimizer.variables, expected, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_an_optimizer_of_a_user() -> None:
    class Mine(keras_momentum.optimizers.MomentumOptimizer):
        slot_names = ("velocity",)

        def update(self, gradient: Any, slots: Any, coefficients: Any) -> Any:
            (velocity,) = slots
            velocity = coefficients.gamma * velocity + (
                coefficients.learning_rate * gradient
            )
            return velocity, (velocity,)

    mine = losses(Mine(0.02, 0.9, restart_every=5))
    assert mine == losses(keras_momentum.Momentum(0.02, 0.9, restart_every=5))


def test_file_does_not_depend_on_how_weights_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a file of one backend, or of a distributed run, is read by another."""
    model = small_model(keras_momentum.NAG(0.02, 0.9))
    fit(model)
    model.save_weights(tmp_path / "model.weights.h5")
    monkeypatch.setattr("keras_momentum.optimizers.packing.plan", lambda _: [])
    restored = small_model(keras_momentum.NAG(0.02, 0.5))
    restored.optimizer.build(restored.trainable_variables)
    assert not restored.optimizer._slots.packs
    restored.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(fit(restored), fit(model), rtol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs", "first_steps"),
    [
        ("Momentum", lambda **k: keras.optimizers.SGD(0.02, 0.8, **k), 5),
        ("NAG", lambda **k: keras.optimizers.SGD(0.02, 0.8, nesterov=True, **k), 5),
        ("MomentumAdam", lambda **k: keras.optimizers.Adam(0.02, 0.8, **k), 5),
        ("MomentumAdam", lambda **k: keras.optimizers.Nadam(0.02, 0.8, **k), 300),
        (
            "MomentumRMSprop",
            lambda **k: keras.optimizers.RMSprop(0.02, 0.9, 0.8, **k),
            5,
        ),
        (
            "MomentumRMSprop",
            lambda **k: keras.optimizers.RMSprop(0.02, 0.9, 0.8, centered=True, **k),
            5,
        ),
    ],
    ids=["SGD", "SGD-nesterov", "Adam", "Nadam", "RMSprop", "RMSprop-centered"],
)
def test_from_keras_goes_on_as_keras_would(
    ours: str, theirs: Any, first_steps: int
) -> None:
    shapes = [(3, 4), (5,), ()]
    rng = np.random.default_rng(5)
    old = theirs(weight_decay=0.01, use_ema=True)
    weights = [keras.Variable(np.ones(shape, np.float32)) for shape in shapes]

    def gradients() -> list[Any]:
        # Away from 0, where epsilon would show.
        return [
            ops.convert_to_tensor(
                np.float32(rng.choice([-1, 1], s) * (1 + rng.random(s)))
            )
            for s in shapes
        ]

    for _ in range(first_steps):
        old.apply(gradients(), weights)
    new = CLASSES[ours].from_keras(old)
    # The new optimizer belongs to the same weights; so they are put back for it.
    values = [ops.convert_to_numpy(weight).copy() for weight in weights]
    after = [gradients() for _ in range(3)]
    for each in after:
        old.apply(each, weights)
    expected = [ops.convert_to_numpy(weight).astype(float) for weight in weights]
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
    for each in after:
        new.apply(each, weights)
    assert int(new.iterations) == int(old.iterations)
    for weight, value in zip(weights, expected, strict=True):
        assert relative_error(weight, value) < 2e-5


def test_from_keras_refuses_what_does_not_fit() -> None:
    weight = keras.Variable([1.0])
    nesterov = keras.optimizers.SGD(0.1, 0.9, nesterov=True)
    with pytest.raises(ValueError, match="`optimizer` must be built"):
        keras_momentum.NAG.from_keras(nesterov)
    nesterov.build([weight])
    with pytest.raises(ValueError, match="NAG.from_keras"):
        keras_momentum.Momentum.from_keras(nesterov)
    with pytest.raises(TypeError, match="`optimizer` must be.*Adam"):
        keras_momentum.MomentumAdam.from_keras(nesterov)
    wrapped = keras.optimizers.LossScaleOptimizer(nesterov)
    with pytest.raises(TypeError, match="inner_optimizer"):
        keras_momentum.NAG.from_keras(wrapped)
