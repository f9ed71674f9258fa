"""Packs hold each small weight once, and only what may stand together."""

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum._backend import Kind, Pack
from keras_momentum._backend import backend as chosen
from tests import reference
from tests.benchmarks.training import donating_update
from tests.optimizers.family import Case, family
from tests.stepping import MODES, stepper

backend: Any = chosen
packs_here = pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="on JAX nothing is packed"
)


def variables(*shapes: tuple[int, ...], dtype: str = "float32") -> list[keras.Variable]:
    return [keras.Variable(np.ones(shape), dtype=dtype) for shape in shapes]


def plan(weights: list[keras.Variable]) -> list[Pack]:
    return backend.plan(dict(enumerate(weights)), kind=lambda _: Kind())


@packs_here
def test_small_weights_of_one_dtype_share_a_pack() -> None:
    weights = [*variables((3, 4), (7,), ()), *variables((2,), (5,), dtype="float16")]
    packs = plan(weights)
    assert [pack.indices for pack in packs] == [(0, 1, 2), (3, 4)]
    assert [pack.size for pack in packs] == [20, 7]


@packs_here
def test_large_and_lonely_weights_keep_their_shape() -> None:
    half = backend.MINIMUM_LARGE_SIZE // 2
    limit = backend.MAXIMUM_PACKED_VARIABLE_SIZE
    shapes = [(half, 2), (limit + 1,), (3, 2)]
    packs = plan(variables(*shapes))
    assert [pack.shapes for pack in packs] == [(shape,) for shape in shapes]
    assert [pack.is_large for pack in packs] == [True, False, False]


@packs_here
def test_weights_with_and_without_weight_decay_are_apart() -> None:
    optimizer = keras_momentum.Momentum(weight_decay=0.1)
    weights = variables(*[(2,)] * 4)
    optimizer.exclude_from_weight_decay(var_list=[weights[1], weights[3]])
    optimizer.build(weights)
    packs = [pack.indices for pack in optimizer._slots.packs]
    assert packs == [(0, 2), (1, 3)]


@packs_here
def test_a_pack_ends_at_its_largest_size() -> None:
    size = backend.MAXIMUM_PACKED_VARIABLE_SIZE
    together = backend.MAXIMUM_PACK_SIZE // size
    packs = plan(variables(*[(size,)] * (together + 5)))
    assert [len(pack.indices) for pack in packs] == [together, 5]


def test_unflatten_is_the_inverse_of_flatten() -> None:
    pack = Pack((0, 1, 2, 3), ((2, 3), (), (0, 4), (5,)), "float32", shares_slots=True)
    rng = np.random.default_rng(0)
    tensors = [np.asarray(rng.normal(size=shape), "float32") for shape in pack.shapes]
    vector = backend.gather(pack, [ops.convert_to_tensor(tensor) for tensor in tensors])
    assert tuple(vector.shape) == (12,)
    for tensor, restored in zip(tensors, backend.scatter(pack, vector), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(restored), tensor)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="elsewhere the step's own compiler compiles all, or nothing does",
)
@family
def test_xla_compiles_the_update_of_large_weights_and_of_no_others(case: Case) -> None:
    import tensorflow as tf

    def compiled_by_xla(shapes: list[tuple[int, ...]], **arguments: Any) -> int:
        """How many functions of a step, which is not compiled itself, XLA compiles."""
        weights = variables(*shapes)
        optimizer = case.make(0.1, 0.9, **arguments)

        @tf.function
        def step() -> None:
            optimizer.apply([tf.ones(shape) for shape in shapes], weights)

        definition = step.get_concrete_function().graph.as_graph_def()
        functions = definition.library.function
        return sum(function.attr["_XlaMustCompile"].b for function in functions)

    assert compiled_by_xla([(3, 4), (5,), (65, 64)]) == 0
    # A vector, as a matrix may come with others.
    large = compiled_by_xla([(3, 4), (16_640,)])
    assert large >= 1
    assert compiled_by_xla([(3, 4), (16_640,)], use_ema=True) > large


@packs_here
def test_matrices_of_one_shape_come_together_however_large() -> None:
    shapes = [(128, 130)] * 3 + [(130, 128)] * 2 + [(4,)] * 2 + [(2000, 600)]
    optimizer = keras_momentum.Muon()
    optimizer.build(variables(*shapes))
    packs = {pack.indices: pack for pack in optimizer._slots.packs}
    assert set(packs) == {(0, 1, 2), (3, 4), (5, 6), (7,)}
    # Their products are not compiled on their own.
    assert not any(pack.is_large for pack in packs.values())


@packs_here
def test_a_packed_model_has_few_slot_variables() -> None:
    optimizer = keras_momentum.Momentum()
    optimizer.build(variables(*[(8, 8), (8,)] * 50))
    (pack,) = optimizer._slots.packs
    (velocity,) = optimizer._slots.variables(pack)["velocity"]
    assert velocity.shape == (50 * 72,)


SHAPES = [(128, 130), (3, 4), (5,), (65, 64)]  # Large, two in a pack, alone.
EXTRAS: list[dict[str, Any]] = [
    {"weight_decay": 0.1},
    {"clipnorm": 0.5},
    {"global_clipnorm": 0.5},
    {"clipvalue": 0.2},
    {"use_ema": True, "ema_momentum": 0.7},
]


@pytest.mark.parametrize("extra", EXTRAS, ids=lambda extra: next(iter(extra)))
@pytest.mark.parametrize("mode", MODES)
def test_large_and_small_weights_get_what_keras_does_besides(
    extra: dict[str, Any], mode: str
) -> None:
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=shape).astype("float32") for shape in SHAPES]
    results = []
    for optimizer, way in (
        (keras.optimizers.SGD(0.1, momentum=0.9, **extra), "eager"),
        (keras_momentum.Momentum(0.1, 0.9, **extra), mode),
    ):
        weights = variables(*SHAPES)
        optimizer.exclude_from_weight_decay(var_list=[weights[1], weights[3]])
        step = stepper(optimizer, weights, way)
        for _ in range(4):
            step(*gradients)
        averages = (
            optimizer._model_variables_moving_average if "use_ema" in extra else []
        )
        results.append([ops.convert_to_numpy(v) for v in [*weights, *averages]])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_weights_that_change_before_their_slots_follow_the_formula(mode: str) -> None:
    """Large weights of NAG do, where XLA compiles for a CPU."""
    rng = np.random.default_rng(0)
    shapes = [(128, 130), (80, 60), (0, 3), (3, 4)]
    first = [rng.normal(size=shape).astype("float32") for shape in shapes]
    weights = [keras.Variable(value.copy()) for value in first]
    optimizer = keras_momentum.NAG(0.1, 0.9)
    step = stepper(optimizer, weights, mode)
    gammas = np.asarray([0.9, 0.5, 0.7, 0.7])
    for optimizer.gamma in gammas[:3].tolist():
        step(*first)
    never = np.zeros(4, bool)
    for weight, value in zip(weights, first, strict=True):
        phi = value.astype("float64")
        g, eta = np.stack([phi] * 3), np.full(3, 0.1)
        expected, _ = reference.nag(phi, g, eta, gammas, never, never)
        np.testing.assert_allclose(
            ops.convert_to_numpy(weight), expected, rtol=1e-5, atol=1e-6
        )


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="of JAX's compiled update")
def test_nag_copies_no_velocity_of_a_large_weight() -> None:
    weights = variables((128, 130))
    optimizer = keras_momentum.NAG()
    optimizer.build(weights)
    state = [variable.value for variable in optimizer.variables]
    values = [weight.value for weight in weights]
    lowered = donating_update(optimizer).lower(values, state, values)
    memory = lowered.compile().memory_analysis()
    assert memory
    assert memory.temp_size_in_bytes < values[0].nbytes


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="PyTorch's own memory")
def test_a_copy_of_an_optimizer_shares_no_memory_with_it() -> None:
    """Two that take turns in two threads would else change each other's gradients."""
    weights = variables((3, 4), (5,))
    optimizer = keras_momentum.Momentum(0.1, 0.9)
    optimizer.apply([ops.ones(weight.shape) for weight in weights], weights)
    (mine,) = optimizer._updates._workspaces.values()
    (other,) = copy.deepcopy(optimizer._updates._workspaces).values()
    gradients = [ops.ones(weight.shape) for weight in weights]
    vector = mine.filled(gradients)
    other.filled([0.5 * gradient for gradient in gradients])
    np.testing.assert_array_equal(ops.convert_to_numpy(vector), np.ones(17))
    assert len(pickle.dumps(mine)) < 1000


@pytest.mark.parametrize("jit_compile", [False, "auto"])
def test_a_gradient_of_which_the_shape_is_not_known_is_taken(jit_compile: Any) -> None:
    """As TensorFlow has them of sequences where the data do not say their shape."""

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            x = np.random.default_rng(0).normal(size=(4, 6, 8)).astype("float32")
            return x, x

    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dense(8)]
    model = keras.Sequential([keras.Input((6, 8)), *layers])
    model.compile(keras_momentum.Muon(0.1), "mse", jit_compile=jit_compile)
    first, *_, last = model.fit(Batches(), epochs=5, verbose=0).history["loss"]
    assert last < first
