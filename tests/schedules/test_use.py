"""Schedules at work: as gammas, as learning rates, and beside optax and PyTorch."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from keras_momentum.schedules import (
    Constant,
    CosineRamp,
    LinearRamp,
    OneCycleGamma,
    Restarted,
    Sequence,
    curves,
)
from tests import reference
from tests.schedules.family import CASES, copy, make, values
from tests.stepping import MODES, stepper
from tests.torch_one_cycle import one_cycle_of_torch

STEPS = 24
KERAS = {
    "piecewise": keras.optimizers.schedules.PiecewiseConstantDecay(
        [10, 20], [0.5, 0.8, 0.9]
    ),
    "cosine": keras.optimizers.schedules.CosineDecay(
        0.1, 20, warmup_target=0.9, warmup_steps=10
    ),
    "polynomial": keras.optimizers.schedules.PolynomialDecay(0.5, 30, 0.95),
    "exponential": keras.optimizers.schedules.ExponentialDecay(0.9, 10, 0.9),
    "inverse time": keras.optimizers.schedules.InverseTimeDecay(0.9, 10, 0.1),
}


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, MODES[0]) for name in (*CASES, *KERAS)),
        *((name, MODES[-1]) for name in ("Sequence", "Restarted", "cosine")),
    ],
)
def test_it_works_as_a_gamma(name: str, mode: str) -> None:
    schedule = KERAS[name] if name in KERAS else make(name, CASES[name].example)
    weight = keras.Variable([1.0, -1.0])
    optimizer = keras_momentum.Momentum(0.01, schedule)
    step = stepper(optimizer, [weight], mode)
    for _ in range(STEPS):
        step(np.array([1.0, 2.0], np.float32))
    gammas = [float(ops.convert_to_numpy(schedule(t))) for t in range(STEPS)]
    thetas, _ = reference.momentum(
        np.array([1.0, -1.0]), lambda t, _: np.array([1.0, 2.0]), [0.01] * STEPS, gammas
    )
    np.testing.assert_allclose(ops.convert_to_numpy(weight), thetas[-1], rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_it_works_as_a_learning_rate_of_keras(name: str) -> None:
    schedule = make(name, CASES[name].example)
    weight = keras.Variable(1.0)
    optimizer = keras.optimizers.SGD(schedule)
    for _ in range(5):
        optimizer.apply([ops.ones(())], [weight])
    total = sum(CASES[name].gamma(t, **CASES[name].example) for t in range(5))
    assert float(weight) == pytest.approx(1.0 - total, abs=1e-5)


def nested() -> Any:
    ramp = Restarted(CosineRamp(0.1, 0.9, steps=7), every=9)
    return Sequence([Constant(0.5), ramp, *KERAS.values()], [5, 20, 30, 40, 50, 60])


def test_nested_schedules_come_back_as_schedules() -> None:
    boundaries = nested().boundaries
    steps = sorted({0, 13, 14, 99, *(b + d for b in boundaries for d in (-1, 0, 1))})
    first, again = nested(), copy(nested())
    before = [float(first(t)) for t in steps]
    assert [float(again(t)) for t in steps] == before
    optimizer = keras_momentum.NAG(0.01, momentum=nested())
    made = keras_momentum.NAG.from_config(optimizer.get_config())
    for t, gamma in zip(steps, before, strict=True):
        made.iterations.assign(t)
        assert float(ops.convert_to_numpy(made.gamma)) == pytest.approx(gamma), t


def test_a_sequence_is_that_of_optax() -> None:
    optax = pytest.importorskip("optax")
    theirs = optax.join_schedules(
        [
            optax.linear_schedule(0.1, 0.5, 10),
            optax.constant_schedule(0.7),
            optax.cosine_decay_schedule(0.9, 20),
        ],
        [15, 30],
    )
    ours = Sequence(
        [LinearRamp(0.1, 0.5, steps=10), Constant(0.7), CosineRamp(0.9, 0.0, steps=20)],
        [15, 30],
    )
    steps = np.arange(60, dtype=np.int32)
    wanted = [float(theirs(t)) for t in steps]
    np.testing.assert_allclose(values(ours, steps), wanted, atol=2e-7)


@pytest.mark.parametrize(("total", "warmup"), [(100, 0.3), (1000, 0.25), (17, 0.5)])
def test_one_cycle_is_that_of_torch(total: int, warmup: float) -> None:
    gammas, rates = one_cycle_of_torch(total, max_lr=0.1, pct_start=warmup)
    steps, peak = np.arange(total, dtype=np.int32), warmup * total - 1
    for wanted, ends in (
        (gammas, (0.95, 0.85, 0.95)),
        (rates, (0.1 / 25, 0.1, 0.1 / 25e4)),
    ):
        found = ops.convert_to_numpy(curves.one_cycle(steps, ends, peak, total - 1))
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-8)
    # The schedule has round numbers instead: its minimum at warmup * steps.
    gamma = OneCycleGamma(steps=total - 1, warmup=peak / (total - 1))
    np.testing.assert_allclose(values(gamma, steps), gammas, atol=2e-7)
