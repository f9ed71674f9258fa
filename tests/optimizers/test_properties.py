"""Whatever shapes, dtypes, gammas, rates, restarts: the formula holds."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tests import reference
from tests.optimizers.family import CASES, Case, Table
from tests.stepping import stepper

# What a sum of a dozen updates may be off by, relative to its largest value.
TOLERANCES = {"float32": 2e-5, "float64": 2e-5, "float16": 2e-2, "bfloat16": 1e-1}
DTYPES = [
    dtype
    for dtype in TOLERANCES
    if dtype != "float64" or keras.backend.backend() != "jax"
]
# The one that takes least time for a few steps with shapes of their own.
MODE = "xla" if keras.backend.backend() == "jax" else "eager"
shapes = st.lists(
    st.lists(st.integers(0, 4), max_size=3).map(tuple), min_size=1, max_size=5
)


# Each formula; of what two rows have in common one is enough.
DRAWN = [n for n in CASES if n not in ("Muon-plain", "AggMo-weights", "QHM")]


@pytest.mark.parametrize("case", [CASES[name] for name in DRAWN], ids=DRAWN)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_run_follows_the_formula(case: Case, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, 12), "steps")
    weights_shapes = data.draw(shapes, "shapes")
    # The rounding of 16 bits is no longer small when Muon has made it 485 times larger.
    rounds_more = case.tolerance > 1e-5
    dtypes = [
        "float32"
        if rounds_more and len(shape) >= 2
        else data.draw(st.sampled_from(DTYPES), "dtype")
        for shape in weights_shapes
    ]
    seed = data.draw(st.integers(0, 2**16), "seed")
    gammas = data.draw(
        st.lists(
            st.floats(0, 0.984375, width=32), min_size=steps + 1, max_size=steps + 1
        ),
        "gammas",
    )
    rates = data.draw(
        st.lists(st.floats(0, 0.125, width=32), min_size=steps, max_size=steps), "rates"
    )
    every = data.draw(st.none() | st.integers(1, 6), "restart_every")
    requested = data.draw(st.sets(st.integers(0, steps)), "restarts")
    accumulated = data.draw(st.sampled_from([1, 2, 3]), "accumulated")

    rng = np.random.default_rng(seed)
    # Powers of two and their sums have no rounding in 16 bits, and none is near 0.
    gradients = [
        [rng.choice([-1.0, -0.5, 0.5, 1.0], shape) for shape in weights_shapes]
        for _ in range(steps)
    ]
    variables = [
        keras.Variable(np.ones(shape), dtype=dtype)
        for shape, dtype in zip(weights_shapes, dtypes, strict=True)
    ]
    optimizer = case.make(
        0.1,
        Table(gammas),
        restart_every=every,
        gradient_accumulation_steps=accumulated if accumulated > 1 else None,
    )
    step = stepper(optimizer, variables, MODE)
    for t in range(steps):
        optimizer.learning_rate = rates[t]
        if t in requested:
            optimizer.restart()
        for _ in range(accumulated):
            step(*map(ops.cast, gradients[t], dtypes))

    planned = reference.restarts(steps + 1, every)
    restart = reference.restarts(steps + 1, every, sorted(requested))
    for i, variable in enumerate(variables):
        g = [np.asarray(gradient[i], np.float64) for gradient in gradients]
        first = np.ones(weights_shapes[i])
        expected = case.weights(
            first, g, np.array(rates), np.array(gammas), restart, planned
        )
        actual = ops.convert_to_numpy(ops.cast(variable, "float32"))
        scale = 1.0 + np.max(np.abs(expected), initial=0.0)
        tolerance = max(TOLERANCES[dtypes[i]], 2 * case.tolerance)
        assert np.all(np.abs(actual - expected) <= tolerance * scale)
