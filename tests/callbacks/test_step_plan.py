"""Plans that are handed out again and again: which one there is, and until when."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum._hyperparameters.plan import Plan
from keras_momentum._numbers import number
from keras_momentum.callbacks import OneCycle, Scheduler
from keras_momentum.callbacks._steps import first_update
from keras_momentum.schedules import CosineRamp, LinearRamp
from tests import reference
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCH, BATCHES, RATE, compiled, fit

EPOCHS = 5
ALL = EPOCHS * BATCHES
is_torch = keras.backend.backend() == "torch"


@pytest.fixture(autouse=True)
def short_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small fit has several."""
    monkeypatch.setattr(Plan, "capacity", 8)


class Snapshots(keras.callbacks.Callback):
    """All variables after each execution, by the number of batches."""

    def __init__(self, done: int) -> None:
        super().__init__()
        self.done = done
        self.found: dict[int, list[np.ndarray]] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin = self.done

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.done = self.begin + batch + 1
        self.found[self.done] = [
            np.array(keras.ops.convert_to_numpy(each)) for each in variables(self.model)
        ]


class GoesOn(keras.callbacks.Callback):
    """Says with which batch of its epoch a fit goes on, and what the run began with."""

    def __init__(self, batch: int) -> None:
        super().__init__()
        self.batch = batch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.params["batches_done"] = self.batch
        self.params["first_update"] = 0
        self.batch = 0


def variables(model: keras.Model) -> list[Any]:
    return [*model.variables, *model.optimizer.variables]


def from_batch(
    number: int, without_update: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The batches from one on; what is not finite is left out."""
    while True:
        begin = number % BATCHES * BATCH
        factor = math.inf if number == without_update else 1.0
        yield (
            factor * fitting.X[begin : begin + BATCH],
            fitting.Y[begin : begin + BATCH],
        )
        number += 1


def skipping(rate: float, **arguments: Any) -> keras_momentum.Momentum:
    return keras_momentum.Momentum(rate, skip_nonfinite=True, **arguments)


def one_cycle() -> OneCycle:
    return OneCycle(0.1, max_gamma=0.9, min_gamma=0.3)


def scheduler() -> Scheduler:
    return Scheduler("gamma", CosineRamp(0.2, 0.8, steps=17), unit="step")


@pytest.mark.parametrize(
    ("mover", "optimizer", "accumulated", "per_execution"),
    [
        (one_cycle, keras_momentum.NAG, None, 1),
        (scheduler, keras_momentum.MomentumAdam, None, 1),
        (one_cycle, keras_momentum.Momentum, 2, 1),
        (scheduler, skipping, None, 1),
        pytest.param(
            *(scheduler, keras_momentum.NAG, None, 2),
            marks=pytest.mark.skipif(is_torch, reason="one step an execution"),
        ),
    ],
    ids=["cycle", "schedule", "accumulated", "skipped", "several an execution"],
)
def test_what_an_optimizer_is_follows_from_the_number_of_its_updates(
    mover: Callable[[], Any],
    optimizer: Any,
    accumulated: int | None,
    per_execution: int,
) -> None:
    """To the last bit, wherever the fit was interrupted."""

    def snapshots(before: list[np.ndarray], done: int) -> dict[int, list[np.ndarray]]:
        model = compiled(
            optimizer(RATE, gradient_accumulation_steps=accumulated),
            steps_per_execution=per_execution,
        )
        model.optimizer.build(model.trainable_variables)
        for variable, value in zip(variables(model), before, strict=False):
            variable.assign(value)
        epoch, batch = divmod(done, BATCHES)
        taken = Snapshots(done)
        model.fit(
            from_batch(done, without_update=2 if optimizer is skipping else None),
            steps_per_epoch=BATCHES,
            initial_epoch=epoch,
            epochs=EPOCHS,
            verbose=0,
            callbacks=[GoesOn(batch), mover(), taken],
        )
        return taken.found

    expected = snapshots([], 0)
    # Plans begin 7 updates apart; 6 with two an execution.
    for done in sorted({6, 7, 8, 14} & expected.keys()):
        ours = snapshots(expected[done], done)
        both = sorted(ours.keys() & expected.keys())
        assert both[-1] == ALL
        for batches in both:
            for one, other in zip(ours[batches], expected[batches], strict=True):
                np.testing.assert_array_equal(one, other, f"{done}, {batches}")


def test_a_plan_is_handed_out_again_where_data_end_without_notice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After each epoch, with which a plan ends, a batch begins that does not come."""
    monkeypatch.setattr(Plan, "capacity", BATCHES + 1)
    model = compiled(keras_momentum.Momentum(RATE, 0.5))
    mover = Scheduler("gamma", LinearRamp(0.2, 0.8, steps=ALL), unit="step")
    fit(model, mover, **fitting.unknown_length(), epochs=EPOCHS)
    gammas = [reference.linear_ramp(t, 0.2, 0.8, ALL) for t in range(ALL)]
    expected = fitting.expected_weights(gammas)
    np.testing.assert_allclose(
        fitting.weights_of(model), expected, rtol=2e-5, atol=1e-6
    )


def test_a_plan_is_not_handed_out_where_a_step_of_others_has_ended_it() -> None:
    """Nobody would end it after the fit."""

    class TrainsAside(keras.callbacks.Callback):
        done = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.done += 1
            if self.done == 28:  # The last batch, and the end of the fourth plan.
                self.model.train_on_batch(fitting.X, fitting.Y)

    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    fit(model, TrainsAside(), one_cycle(), epochs=28 // BATCHES)
    assert not any(each.is_moving for each in model.optimizer.hyperparameters.values())


class Undefined(keras.optimizers.schedules.LearningRateSchedule):
    """Nothing at the first steps, and then 1/2."""

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        return keras.ops.where(step < 3, math.nan, 0.5)


def test_the_past_of_a_plan_may_be_anything() -> None:
    """A fit that goes on does not need what the schedule was before."""
    model = compiled(keras_momentum.Momentum(RATE, 0.3))
    with pytest.raises(ValueError, match="nan for step 0"):
        fit(model, Scheduler("gamma", Undefined(), unit="step"), epochs=3)
    schedule = Scheduler("gamma", Undefined(), unit="step")
    history = fit(model, schedule, epochs=3, initial_epoch=1).history
    assert history["gamma"] == [0.5, 0.5]


@pytest.mark.parametrize(("steps", "accumulated"), [(5, 2), (5, 3), (4, None), (7, 4)])
def test_epoch_0_began_with_the_same_update_wherever_a_fit_goes_on(
    steps: int, accumulated: int | None
) -> None:
    optimizer = keras_momentum.Momentum(RATE, gradient_accumulation_steps=accumulated)
    weight = keras.Variable(0.0)
    for batches in range(4 * steps):
        epoch, batch = divmod(batches, steps)
        params = {"steps": steps, "batches_done": batch}
        assert number(optimizer.iterations) == batches // (accumulated or 1)
        assert first_update(params, optimizer, epoch) == 0
        optimizer.apply([keras.ops.ones(())], [weight])
