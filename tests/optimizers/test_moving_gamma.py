"""Gamma moved between steps, from outside: by a setter, by a callback."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests import reference
from tests.optimizers.family import Table
from tests.stepping import MODES, relative_error, stepper

STEPS = 60
# A scalar and small ones, which are packed; one that is not; one that is compiled.
SHAPES = [(3, 4), (5,), (), (0, 2), (130, 130), (150, 150)]
TOLERANCE = 1e-5


@pytest.fixture
def gammas() -> np.ndarray:
    return np.random.default_rng(1).uniform(0.0, 1.0, STEPS).astype(np.float32)


def run(
    optimizer: keras_momentum.Momentum, mode: str, before_step: Any = None
) -> tuple[list[Any], list[np.ndarray], Any]:
    """60 steps with random gradients; returns weights, first weights, gradients."""
    rng = np.random.default_rng(2)
    first = [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
    variables = [keras.Variable(np.array(value)) for value in first]
    step = stepper(optimizer, variables, mode)
    gradients = [
        [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]
        for _ in range(10)
    ]
    for t in range(STEPS):
        if before_step:
            before_step(t)
        step(*gradients[t % 10])
    return variables, first, gradients


def check(result: Any, gammas: Any, rates: Any = STEPS * [0.1]) -> None:
    variables, first, gradients = result

    def gradient_of(i: int) -> Any:
        return lambda t, _: gradients[t % 10][i].astype(np.float64)

    for i, variable in enumerate(variables):
        if first[i].size == 0:
            continue
        thetas, _ = reference.momentum(
            first[i],
            gradient_of(i),
            np.asarray(rates, np.float32).astype(np.float64),
            gammas,
        )
        assert relative_error(variable, thetas[-1]) < TOLERANCE


@pytest.mark.parametrize("mode", MODES)
def test_setter_acts_on_the_next_step(mode: str, gammas: np.ndarray) -> None:
    optimizer = keras_momentum.Momentum(0.1, 0.3)

    def set_gamma(t: int) -> None:
        optimizer.gamma = gammas[t]

    check(run(optimizer, mode, set_gamma), gammas)


@pytest.mark.parametrize("mode", MODES)
def test_restart_every_can_be_set_between_steps(mode: str) -> None:
    optimizer = keras_momentum.Momentum(0.1, 0.9)

    def change(t: int) -> None:
        if t == 15:
            optimizer.restart_every = 4
        if t == 36:
            optimizer.restart_every = None

    gamma = [0.0 if 15 <= t < 36 and t % 4 == 0 else 0.9 for t in range(STEPS)]
    check(run(optimizer, mode, change), gamma)


def test_callback_in_fit_follows_the_formula(gammas: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(8, 5)).astype(np.float32)
    y = rng.normal(size=(8, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras_momentum.Momentum(0.02, 0.5, restart_every=9), "mse")
    first = model.get_weights()[0]

    class SetGamma(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.gamma = float(gammas[epoch])

    model.fit(x, y, batch_size=8, epochs=STEPS, verbose=0, callbacks=[SetGamma()])
    x, y = x.astype(np.float64), y.astype(np.float64)
    thetas, _ = reference.momentum(
        first,
        lambda _, theta: 2 / 8 * x.T @ (x @ theta - y),
        [float(np.float32(0.02))] * STEPS,
        reference.restarted(gammas, every=9),
    )
    assert relative_error(model.get_weights()[0], thetas[-1]) < TOLERANCE


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch runs eagerly: nothing is traced"
)
def test_moving_gamma_traces_the_training_step_once() -> None:
    traces = []

    class Counting(keras.layers.Dense):
        def call(self, inputs: Any, training: bool | None = None) -> Any:
            traces.append(training)
            return super().call(inputs)

    model = keras.Sequential([keras.Input((3,)), Counting(1)])
    model.compile(keras_momentum.Momentum(0.01, 0.5), "mse")
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    model.fit(x, y, batch_size=4, verbose=0)
    before = len(traces)

    class Move(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            optimizer = self.model.optimizer
            optimizer.gamma = 0.1 + 0.2 * batch
            optimizer.restart_every = batch + 1
            optimizer.restart()

    ramp = keras_momentum.callbacks.GammaRamp(0.1, 0.9)
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[Move()])
    model.fit(x, y, batch_size=4, epochs=3, verbose=0, callbacks=[ramp])
    assert True in traces
    assert len(traces) == before


def test_gradient_accumulation_moves_gamma_on_real_updates_only() -> None:
    ramp = Table(np.linspace(0.1, 0.9, STEPS).astype(np.float32))
    optimizer = keras_momentum.Momentum(0.1, ramp, gradient_accumulation_steps=4)
    variable = keras.Variable(np.zeros(3, np.float32))
    step = stepper(optimizer, [variable], MODES[-1])
    rng = np.random.default_rng(4)
    gradients = rng.normal(size=(40, 3)).astype(np.float32)
    for gradient in gradients:
        step(gradient)
    means = gradients.astype(np.float64).reshape(10, 4, 3).mean(axis=1)
    thetas, _ = reference.momentum(
        np.zeros(3), lambda t, _: means[t], [0.1] * 10, ramp.values[:10]
    )
    assert relative_error(variable, thetas[-1]) < TOLERANCE


@pytest.mark.parametrize("mode", MODES)
def test_a_plan_is_followed(mode: str) -> None:
    rng = np.random.default_rng(5)
    gammas = rng.uniform(0.0, 1.0, 40).astype(np.float32)
    rates = rng.uniform(0.01, 0.2, 40).astype(np.float32)
    optimizer = keras_momentum.Momentum(0.1, momentum=0.5)

    def before_step(t: int) -> None:
        if t == 10:
            optimizer.plan("gamma", gammas.tolist())
            optimizer.plan("learning_rate", rates.tolist())
        if t == 40:
            optimizer.gamma = 0.7  # It ends its own plan, not that of the rate.

    result = run(optimizer, mode, before_step)
    # The last value of a plan stays.
    of_gamma = [0.5] * 10 + gammas[:30].tolist() + [0.7] * 20
    of_rate = [0.1] * 10 + rates.tolist() + [float(rates[-1])] * 10
    check(result, of_gamma, of_rate)


def values_around(
    optimizer: keras_momentum.Momentum, updates: int, skipped: int = 0
) -> tuple[list[float], list[float]]:
    """Gammas and rates that `updates` updates of a weight used.

    Args:
        optimizer: Has a plan of both.
        updates: How many are looked at.
        skipped: How many are taken for done before.
    """
    optimizer.iterations.assign_add(skipped)
    # With a constant gradient of 1 the differences tell what was used.
    weight = keras.Variable(0.0, dtype="float32")
    gammas, rates = [], []
    velocity = 0.0
    optimizer.build([weight])
    for _ in range(updates):
        gamma = float(ops.convert_to_numpy(optimizer.gamma))
        rate = float(ops.convert_to_numpy(optimizer.learning_rate))
        before = float(ops.convert_to_numpy(weight))
        optimizer.apply([ops.ones(())], [weight])
        moved = before - float(ops.convert_to_numpy(weight))
        if skipped == 0:
            # What is said before an update is what the update uses.
            assert moved == pytest.approx(gamma * velocity + rate, rel=1e-5)
        velocity = moved
        gammas.append(gamma)
        rates.append(rate)
    return gammas, rates


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_last_value_of_a_plan_is_that_of_its_update_and_stays(count: int) -> None:
    gammas, rates = [0.1, 0.3, 0.2, 0.4, 0.9][-count:], [0.3, 0.1, 0.2, 0.4, 0.7]
    optimizer = keras_momentum.Momentum(0.1, momentum=0.5)
    optimizer.plan("gamma", gammas)
    optimizer.plan("learning_rate", rates[-count:])
    of_gamma, of_rate = values_around(optimizer, count + 3)
    assert of_gamma == pytest.approx(gammas + [0.9] * 3)
    assert of_rate == pytest.approx(rates[-count:] + [0.7] * 3)


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (-9, [0.2] * 5),
        (-1, [0.3, 0.2, 0.2, 0.2, 0.2]),
        (0, [0.1, 0.3, 0.2, 0.2, 0.2]),
        (2, [0.1, 0.1, 0.1, 0.3, 0.2]),
    ],
)
def test_a_plan_may_have_begun_or_begin_later(
    begin: int, expected: list[float]
) -> None:
    optimizer = keras_momentum.Momentum(0.1, momentum=0.5)
    optimizer.plan("gamma", [0.1, 0.3, 0.2], begin=begin)
    optimizer.plan("learning_rate", [0.1, 0.3, 0.2], begin=begin)
    for found in values_around(optimizer, 5):
        assert found == pytest.approx(expected)


def test_the_longest_plan_is_followed_to_its_end() -> None:
    values = [0.5] * 1022 + [0.25, 0.75]
    optimizer = keras_momentum.Momentum(0.1, momentum=0.5)
    optimizer.plan("gamma", values)
    optimizer.plan("learning_rate", values)
    # The update 1,020 is followed by 1,021, whose value is in the plan, and so on.
    for found in values_around(optimizer, 7, skipped=1020):
        assert found[1:] == pytest.approx([0.5, 0.25, 0.75, 0.75, 0.75, 0.75])


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="elsewhere no value but the shapes decides what is compiled",
)
def test_no_step_of_a_plan_is_compiled_for_its_values() -> None:
    """XLA compiles a step anew for each value that it has to know beforehand."""
    import tensorflow as tf

    optimizer = keras_momentum.Momentum(0.1, momentum=0.5)
    weight = keras.Variable(np.zeros(3, np.float32))
    gradient = np.ones(3, np.float32)
    step = tf.function(
        lambda gradient: optimizer.apply([gradient], [weight]), jit_compile=True
    )
    programs = set()
    for t in range(5):
        if t == 1:
            optimizer.plan("gamma", [0.1, 0.9, 0.3])
            optimizer.plan("learning_rate", [0.1, 0.2, 0.3])
        step(gradient)
        programs.add(step.experimental_get_compiler_ir(gradient)(stage="hlo"))
    assert len(programs) == 1
    assert step.experimental_get_tracing_count() == 1


@pytest.mark.parametrize("values", [[], [0.5] * 1025, [1.5], [float("nan")]])
def test_what_is_no_plan_is_refused(values: list[float]) -> None:
    optimizer = keras_momentum.Momentum(0.1)
    with pytest.raises(ValueError, match="`values`.*Received"):
        optimizer.plan("gamma", values)


def test_a_schedule_is_not_overruled_by_a_plan() -> None:
    ramp = keras_momentum.schedules.LinearRamp(0.1, 0.2, steps=10)
    optimizer = keras_momentum.Momentum(ramp, momentum=ramp)
    with pytest.raises(TypeError, match="LinearRamp.*`momentum`"):
        optimizer.plan("gamma", [0.5])
    with pytest.raises(TypeError, match="LinearRamp.*`learning_rate`"):
        optimizer.plan("learning_rate", [0.5])


@pytest.mark.parametrize("mode", MODES)
def test_a_ramp_that_is_taken_up_again_changes_nothing(mode: str) -> None:
    """Not a bit: a run that goes on would not be the one that was interrupted."""

    def weights(again: bool) -> list[np.ndarray]:
        optimizer = keras_momentum.Momentum(0.1)

        def take_up(t: int) -> None:
            if t == 0 or again:
                optimizer.ramp("gamma", 0.2, 0.8, steps=52, begin=0)
                optimizer.ramp("learning_rate", 0.1, 0.3, steps=52, begin=0)

        variables, _, _ = run(optimizer, mode, take_up)
        return [ops.convert_to_numpy(variable) for variable in variables]

    for one, other in zip(weights(again=True), weights(again=False), strict=True):
        np.testing.assert_array_equal(one, other)
