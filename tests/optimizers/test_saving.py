"""An optimizer that was saved, copied or configured again goes on as the first."""

import copy
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum._backend import backend
from keras_momentum.schedules import LinearRamp
from tests.optimizers.family import OURS, Case, family, house
from tests.optimizers.training import BACKEND, fit, losses, small_model


class Averaged(keras.optimizers.schedules.LearningRateSchedule):
    """A user's schedule, with another one inside."""

    def __init__(self, schedule: Any, other: float):
        self.schedule = schedule
        self.other = other

    def __call__(self, step: Any) -> Any:
        return (self.schedule(step) + self.other) / 2

    def get_config(self) -> dict[str, Any]:
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {"schedule": schedule, "other": self.other}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Averaged":
        schedule = keras.saving.deserialize_keras_object(config["schedule"])
        return cls(schedule, config["other"])


def always_a_half() -> float:
    return 0.5


def updated(optimizer: Any) -> list[np.ndarray]:
    """Weights after a dozen updates."""
    rng = np.random.default_rng(0)
    weights = [keras.Variable(np.ones(shape)) for shape in [(3, 4), (5,), ()]]
    for _ in range(12):
        gradients = [rng.normal(size=weight.shape) for weight in weights]
        optimizer.apply(
            [ops.convert_to_tensor(each, "float32") for each in gradients], weights
        )
    return [ops.convert_to_numpy(weight) for weight in weights]


@family
@pytest.mark.parametrize("form", ["model", "weights"])
def test_saved_in_mid_ramp_it_goes_on_bit_for_bit(
    case: Case, form: str, tmp_path: Path
) -> None:
    # On JAX a second fit with EMA fails, with Keras's own optimizers too.
    arguments = {
        "use_ema": BACKEND != "jax",
        "velocity_dtype": "bfloat16" if form == "model" else None,
        "restart_when": "gradient",
    }
    model = small_model(case.make(0.02, 0.9, restart_every=5, **arguments))
    model.optimizer.ramp("gamma", 0.1, 0.95, steps=20)
    fit(model)
    model.optimizer.restart()
    if form == "model":
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
    else:
        model.save_weights(tmp_path / "model.weights.h5")
        restored = small_model(case.make(0.02, 0.9, **arguments))
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


@house
@pytest.mark.parametrize(
    "wrap",
    [
        keras.optimizers.LossScaleOptimizer,
        lambda inner: keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(inner)
        ),
    ],
    ids=["LossScaleOptimizer", "MultiOptimizer"],
)
def test_saved_inside_another_optimizer_it_goes_on_bit_for_bit(
    case: Case, wrap: Any, tmp_path: Path
) -> None:
    inner = case.make(0.02, 0.9, restart_every=5)
    model = small_model(wrap(inner))
    inner.ramp("gamma", 0.1, 0.95, steps=20)
    fit(model)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert fit(restored) == fit(model)


def test_state_of_another_optimizer_is_left_alone(tmp_path: Path) -> None:
    model = small_model(keras.optimizers.Adam(0.02))
    fit(model)
    model.save_weights(tmp_path / "model.weights.h5")
    expected = losses(keras_momentum.Momentum(0.02))
    keras.utils.set_random_seed(3)
    built = small_model(keras_momentum.Momentum(0.02))
    first = built.get_weights()
    built.optimizer.build(built.trainable_variables)
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        built.load_weights(tmp_path / "model.weights.h5")
    built.set_weights(first)
    assert fit(built) == expected


def test_copy_for_other_weights_starts_anew() -> None:
    model = small_model(keras_momentum.NAG(0.02))
    fit(model)
    other = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    other.compile(copy.deepcopy(model.optimizer), "mse")
    with pytest.warns(UserWarning, match="differ in number or shape"):
        fit(other, epochs=1)


def test_file_does_not_depend_on_how_weights_are_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a file of one backend, or of a distributed run, is read by another."""
    model = small_model(keras_momentum.NAG(0.02, 0.9))
    fit(model)
    model.save_weights(tmp_path / "model.weights.h5")
    monkeypatch.setattr(backend, "MAXIMUM_PACKED_VARIABLE_SIZE", -1, raising=False)
    restored = small_model(keras_momentum.NAG(0.02, 0.5))
    restored.optimizer.build(restored.trainable_variables)
    assert all(not pack.shares_slots for pack in restored.optimizer._slots.packs)
    restored.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_allclose(fit(restored), fit(model), rtol=1e-5)


@family
@pytest.mark.parametrize(
    "gamma",
    [
        0.8,
        LinearRamp(0.2, 0.9, steps=7),
        keras.optimizers.schedules.CosineDecay(0.9, 9),
        Averaged(LinearRamp(0.2, 0.9, steps=7), 0.4),
        always_a_half,
    ],
    ids=["float", "ours", "Keras's", "user's", "callable"],
)
def test_config_makes_an_optimizer_that_behaves_the_same(
    case: Case, gamma: Any
) -> None:
    first = case.make(0.02, gamma, restart_every=3, clipnorm=1.0, skip_nonfinite=True)
    custom = {"Averaged": Averaged, "always_a_half": always_a_half}
    second = keras.optimizers.deserialize(
        keras.optimizers.serialize(first), custom_objects=custom
    )
    assert type(second) is type(first)
    assert keras.optimizers.serialize(second) == keras.optimizers.serialize(first)
    for a, b in zip(updated(first), updated(second), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", OURS)
def test_it_is_registered_under_the_name_of_the_package(name: str) -> None:
    optimizer_class = getattr(keras_momentum, name)
    made = keras.optimizers.get(f"keras_momentum>{name}")
    assert type(made) is optimizer_class
    registered = keras.saving.get_registered_name(optimizer_class)
    assert registered == f"keras_momentum>{name}"
    assert keras.optimizers.get(made) is made


@family
def test_copy_and_pickle_keep_the_state(case: Case) -> None:
    model = small_model(case.make(0.02, 0.9, restart_every=4))
    fit(model)
    model.optimizer.gamma = 0.7
    twins = []
    for copied in (copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))):
        twin = keras.models.clone_model(model)
        twin.set_weights(model.get_weights())
        # A copy of what is not built yet has the state, too.
        optimizer = copied(copied(model.optimizer))
        assert float(ops.convert_to_numpy(optimizer.gamma)) == pytest.approx(0.7)
        # What is set before it is built is not what was saved.
        optimizer.gamma = 0.6
        twin.compile(optimizer, "mse")
        twins.append(twin)
    model.optimizer.gamma = 0.6
    expected = fit(model)
    assert [fit(twin) for twin in twins] == [expected, expected]


@house
def test_pickled_model_goes_on(case: Case) -> None:
    model = small_model(case.make(0.02, 0.9, restart_every=4))
    fit(model)
    assert fit(pickle.loads(pickle.dumps(model))) == fit(model)


@house
def test_compile_config_makes_the_optimizer_again(case: Case) -> None:
    model = small_model(case.make(0.02, LinearRamp(steps=9)))
    twin = keras.models.clone_model(model)
    twin.compile_from_config(model.get_compile_config())
    twin.set_weights(model.get_weights())
    assert fit(twin) == fit(model)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="it is TensorFlow's own format")
@house
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
