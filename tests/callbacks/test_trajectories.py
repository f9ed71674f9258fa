"""What callbacks make of gamma, update by update, in every kind of `fit`.

The weights at the end tell: they are compared with the formula in float64, which is
given the gamma and the learning rate that each update must have had.
"""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp, GammaScheduler, OneCycle
from keras_momentum.schedules import LinearRamp
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, Mover, compiled, fit, weights_of

EPOCHS = 5


def cycle(t: int, updates: float, values: tuple[float, float, float]) -> float:
    """Smith's policy as torch's OneCycleLR documents it, for a warmup of 0.4."""
    peak, last = 0.4 * updates - 1, updates - 1
    if t <= peak:
        a, b, progress = values[0], values[1], t / peak
    else:
        a, b, progress = values[1], values[2], min((t - peak) / (last - peak), 1.0)
    return b + (a - b) / 2 * (1 + math.cos(math.pi * progress))


MOVERS = {
    "ramp": Mover(
        lambda: GammaRamp(0.2, 0.8),
        lambda t, u, n: reference.linear_ramp(t, 0.2, 0.8, n * u),
    ),
    "ramp of two epochs": Mover(
        lambda: GammaRamp(0.2, 0.8, epochs=2, begin_epoch=1),
        lambda t, u, n: reference.linear_ramp(t - u, 0.2, 0.8, 2 * u),
    ),
    "function of the epoch": Mover(
        lambda: GammaScheduler(lambda epoch, gamma: 0.9 - 0.1 * epoch),
        lambda t, u, n: 0.9 - 0.1 * (t // u),
    ),
    "schedule of the epoch": Mover(
        lambda: GammaScheduler(LinearRamp(0.2, 0.8, steps=3)),
        lambda t, u, n: reference.linear_ramp(t // u, 0.2, 0.8, 3),
    ),
    "function of the update": Mover(
        lambda: GammaScheduler(lambda step, gamma: 0.9 - 0.02 * step, unit="step"),
        lambda t, u, n: 0.9 - 0.02 * t,
        each_update=True,
    ),
    "schedule of the update": Mover(
        lambda: GammaScheduler(LinearRamp(0.2, 0.8, steps=7), unit="step"),
        lambda t, u, n: reference.linear_ramp(t, 0.2, 0.8, 7),
    ),
    "one cycle": Mover(
        lambda: OneCycle(0.1, max_gamma=0.9, min_gamma=0.3, warmup=0.4),
        lambda t, u, n: cycle(t, n * u, (0.9, 0.3, 0.9)),
        lambda t, u, n: cycle(t, n * u, (0.1 / 25, 0.1, 0.1 / 25e4)),
    ),
}
each_mover = pytest.mark.parametrize("mover", MOVERS.values(), ids=MOVERS)
# One of each way: a ramp, a plan, two plans, calls.
WAYS = ["ramp", "schedule of the update", "one cycle", "function of the update"]
each_way = pytest.mark.parametrize("mover", [MOVERS[way] for way in WAYS], ids=WAYS)


def check(model: keras.Model, mover: Mover, updates: int, batches: int = 1) -> None:
    """`updates` updates of so many batches each, in a `fit` of `EPOCHS` epochs."""
    u = BATCHES / batches
    gammas, rates = mover.gammas(updates, u, EPOCHS), mover.rates(updates, u, EPOCHS)
    expected = fitting.expected_weights(gammas, rates, batches)
    np.testing.assert_allclose(weights_of(model), expected, rtol=2e-5, atol=1e-6)


def momentum(**arguments: Any) -> keras_momentum.Momentum:
    return keras_momentum.Momentum(RATE, momentum=0.5, **arguments)


@each_mover
def test_every_update_has_its_gamma(mover: Mover) -> None:
    model = compiled(momentum())
    fit(model, mover.make(), epochs=EPOCHS)
    check(model, mover, EPOCHS * BATCHES)


@each_way
@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch does not compile the step"
)
def test_every_update_has_its_gamma_in_a_compiled_step(mover: Mover) -> None:
    model = compiled(momentum(), jit_compile=True)
    fit(model, mover.make(), epochs=EPOCHS)
    check(model, mover, EPOCHS * BATCHES)


@each_mover
@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has one step an execution"
)
def test_several_steps_an_execution_do_not_lag(mover: Mover) -> None:
    model = compiled(momentum(), steps_per_execution=3)
    if mover.each_update:
        with pytest.raises(ValueError, match="`steps_per_execution` must be 1"):
            fit(model, mover.make(), epochs=EPOCHS)
        return
    fit(model, mover.make(), epochs=EPOCHS)
    check(model, mover, EPOCHS * BATCHES)


@each_mover
def test_accumulated_gradients_count_updates(mover: Mover) -> None:
    model = compiled(momentum(gradient_accumulation_steps=2))
    fit(model, mover.make(), epochs=EPOCHS)
    check(model, mover, EPOCHS * BATCHES // 2, batches=2)


@each_mover
def test_a_stopped_run_goes_on_from_its_epoch(mover: Mover) -> None:
    model = compiled(momentum())
    fit(model, mover.make(), fitting.StopAfter(2), epochs=EPOCHS)
    check(model, mover, 2 * BATCHES)
    fit(model, mover.make(), epochs=EPOCHS, initial_epoch=2)
    check(model, mover, EPOCHS * BATCHES)


@each_mover
def test_a_killed_run_is_restored_in_mid_ramp(mover: Mover, tmp_path: Path) -> None:
    # A path with a slash: Keras makes a folder of it.
    folder = str(tmp_path / "backup")
    for callback in (fitting.CrashBefore(2), fitting.StopAfter(EPOCHS)):
        model = compiled(momentum())
        backup = keras.callbacks.BackupAndRestore(folder)
        try:
            # Restored after the mover has been told that training begins.
            fit(model, mover.make(), backup, callback, epochs=EPOCHS)
        except fitting.CrashError:
            check(model, mover, 2 * BATCHES)
    check(model, mover, EPOCHS * BATCHES)


@each_way
def test_each_fit_begins_anew(mover: Mover) -> None:
    model = compiled(momentum())
    fit(model, mover.make(), epochs=EPOCHS)
    fit(model, mover.make(), epochs=EPOCHS)
    updates = EPOCHS * BATCHES
    gammas = mover.gammas(updates, BATCHES, EPOCHS)
    rates = mover.rates(updates, BATCHES, EPOCHS)
    expected = fitting.expected_weights(2 * gammas, rates and 2 * rates)
    np.testing.assert_allclose(weights_of(model), expected, rtol=2e-5, atol=1e-6)


@each_way
def test_the_same_callback_can_be_used_again(mover: Mover) -> None:
    callback = mover.make()
    for _ in range(2):
        model = compiled(momentum())
        fit(model, callback, epochs=EPOCHS)
        check(model, mover, EPOCHS * BATCHES)


@each_mover
def test_unknown_number_of_batches(mover: Mover) -> None:
    model = compiled(momentum())
    if isinstance(mover.make(), OneCycle):
        with pytest.raises(ValueError, match="`steps_per_epoch` of `fit`"):
            fit(model, mover.make(), **fitting.unknown_length(), epochs=EPOCHS)
        return
    if isinstance(mover.make(), GammaRamp):
        # In epochs, and it says so: each has the gamma with which it begins.
        smooth = mover.gamma
        mover = Mover(mover.make, lambda t, u, n: smooth(int(t // u * u), u, n))
        with pytest.warns(UserWarning, match="once an epoch"):
            fit(model, mover.make(), **fitting.unknown_length(), epochs=EPOCHS)
    else:
        fit(model, mover.make(), **fitting.unknown_length(), epochs=EPOCHS)
    check(model, mover, EPOCHS * BATCHES)


@each_mover
def test_gamma_stays_where_training_ended(mover: Mover) -> None:
    if mover is MOVERS["ramp"] or mover is MOVERS["ramp of two epochs"]:
        pytest.skip("a ramp goes on, so that a saved model is in mid-ramp")
    model = compiled(momentum())
    fit(model, mover.make(), fitting.StopAfter(2), epochs=EPOCHS)
    last = fitting.gamma_of(model)
    done = mover.gammas(2 * BATCHES, BATCHES, EPOCHS)
    rates = mover.rates(2 * BATCHES, BATCHES, EPOCHS) or [RATE] * len(done)
    rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
    fit(model, epochs=1)
    expected = fitting.expected_weights(
        done + [last] * BATCHES, rates + [rate] * BATCHES
    )
    np.testing.assert_allclose(weights_of(model), expected, rtol=2e-5, atol=1e-6)


@each_mover
def test_gamma_is_in_the_history(mover: Mover) -> None:
    history = fit(compiled(momentum()), mover.make(), epochs=EPOCHS).history["gamma"]
    assert len(history) == EPOCHS
    assert len(set(history)) > 1


def test_a_plan_is_made_again_before_it_runs_out() -> None:
    data = {"x": np.tile(fitting.X, (70, 1)), "y": np.tile(fitting.Y, (70, 1))}
    epochs = 2240 // (70 * BATCHES)
    ramp = LinearRamp(0.2, 0.8, steps=2000)
    model = compiled(keras_momentum.NAG(1e-3, momentum=0.5))
    fit(model, GammaScheduler(ramp, unit="step"), **data, epochs=epochs)
    optimizer = keras_momentum.NAG(1e-3, momentum=ramp)
    planned = compiled(optimizer)
    fit(planned, **data, epochs=epochs)
    assert int(optimizer.iterations) > 2 * 1000
    # Also the gamma of the update after the last planned one was known.
    np.testing.assert_allclose(weights_of(model), weights_of(planned), rtol=1e-6)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has one step an execution"
)
def test_an_execution_longer_than_a_plan_is_refused() -> None:
    model = compiled(momentum(), steps_per_execution=2000)
    with pytest.raises(ValueError, match="steps_per_execution=2000"):
        fit(model, OneCycle(0.1), epochs=1)
