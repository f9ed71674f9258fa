"""`Ramp` and `Scheduler` of whatever there is beside gamma, in every kind of `fit`.

As in test_trajectories.py the weights at the end tell.
"""

import contextlib
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_momentum.callbacks import Ramp, Scheduler
from tests.callbacks import fitting
from tests.callbacks.coefficients import MOVED, WAYS
from tests.callbacks.fitting import BATCHES, compiled, fit, weights_of

EPOCHS = 4
UPDATES = EPOCHS * BATCHES
is_torch = keras.backend.backend() == "torch"
each_name = pytest.mark.parametrize("name", MOVED)
# A ramp and a plan, which go on in the compiled step; the others are set.
each_way = pytest.mark.parametrize("way", WAYS[:2])


def check(
    model: keras.Model, name: str, way: str, updates: int, batches: int = 1
) -> None:
    """`updates` updates of so many batches each, in a `fit` of `EPOCHS` epochs."""
    values = MOVED[name].values(way, updates, BATCHES / batches, EPOCHS)
    expected = MOVED[name].weights(name, values, batches)
    np.testing.assert_allclose(weights_of(model), expected, rtol=2e-5, atol=2e-6)
    fixed = MOVED[name].weights(name, values[:1] * updates, batches)
    assert np.abs(expected - fixed).max() > 1e-3


def trained(model: keras.Model, name: str, way: str) -> keras.Model:
    fit(model, MOVED[name].make(way, name), epochs=EPOCHS)
    return model


@each_name
@pytest.mark.parametrize("way", WAYS)
def test_every_update_has_its_value(name: str, way: str) -> None:
    check(trained(compiled(MOVED[name].optimizer()), name, way), name, way, UPDATES)


@each_name
@each_way
@pytest.mark.skipif(is_torch, reason="torch compiles nothing")
def test_compiled_and_several_steps_an_execution(name: str, way: str) -> None:
    optimizer = MOVED[name].optimizer()
    model = compiled(optimizer, jit_compile=True, steps_per_execution=3)
    check(trained(model, name, way), name, way, UPDATES)


@each_name
@each_way
def test_accumulated_gradients_count_updates(name: str, way: str) -> None:
    model = compiled(MOVED[name].optimizer(gradient_accumulation_steps=2))
    check(trained(model, name, way), name, way, UPDATES // 2, batches=2)


@each_name
@each_way
def test_a_killed_run_is_restored_in_mid_ramp(
    name: str, way: str, tmp_path: Path
) -> None:
    for callback in (fitting.CrashBefore(2), fitting.StopAfter(EPOCHS)):
        model = compiled(MOVED[name].optimizer())
        backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        mover = MOVED[name].make(way, name)
        with contextlib.suppress(fitting.CrashError):
            fit(model, mover, backup, callback, epochs=EPOCHS)
    check(model, name, way, UPDATES)


@each_name
def test_a_schedule_in_a_fit_of_unknown_length(name: str) -> None:
    model, moved = compiled(MOVED[name].optimizer()), MOVED[name]
    mover = moved.make("schedule of the update", name)
    fit(model, mover, **fitting.unknown_length(), epochs=EPOCHS)
    check(model, name, "schedule of the update", UPDATES)


@each_name
def test_a_ramp_in_a_fit_of_unknown_length_moves_by_epochs(name: str) -> None:
    model, moved = compiled(MOVED[name].optimizer()), MOVED[name]
    with pytest.warns(UserWarning, match="Ramp moves .* once an epoch"):
        fit(
            model,
            Ramp(name, moved.initial, moved.final, epochs=3),
            **fitting.unknown_length(),
            epochs=EPOCHS,
        )
    check(model, name, "schedule of the epoch", UPDATES)


@each_name
def test_it_is_in_the_history_by_its_name(name: str) -> None:
    moved = MOVED[name]
    for mover in (
        Ramp(name, moved.initial, moved.final),
        Scheduler(name, lambda epoch, _: moved.value(epoch + 1, EPOCHS)),
    ):
        history = fit(compiled(moved.optimizer()), mover, epochs=EPOCHS).history
        wanted = [moved.value(epoch + 1, EPOCHS) for epoch in range(EPOCHS)]
        assert history[name] == pytest.approx(wanted, rel=1e-5, abs=1e-7)


def test_several_at_once() -> None:
    moved = MOVED["beta_2"]
    both = [MOVED[name].make("ramp", name) for name in ("beta_2", "weight_decay")]
    one, other = (compiled(moved.optimizer()) for _ in range(2))
    fit(one, *both, epochs=EPOCHS)
    fit(other, *reversed(both), epochs=EPOCHS)
    np.testing.assert_array_equal(weights_of(one), weights_of(other))
    alone = compiled(moved.optimizer())
    fit(alone, both[0], epochs=EPOCHS)
    assert np.abs(weights_of(one) - weights_of(alone)).max() > 1e-3
