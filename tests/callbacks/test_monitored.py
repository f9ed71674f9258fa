"""Which hyper-parameters `MomentumMonitor` shows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest

import keras_momentum
from keras_momentum.callbacks import MomentumMonitor, Ramp, Scheduler
from keras_momentum.schedules import LinearRamp
from tests.callbacks import fitting
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit
from tests.callbacks.test_momentum_board import scalars
from tests.callbacks.test_momentum_monitor import NAMES

EPOCHS = 4
ALL = {"gamma", "learning_rate", "weight_decay", "beta_2", "epsilon"}


def adam(**arguments: Any) -> keras_momentum.MomentumAdam:
    return keras_momentum.MomentumAdam(
        RATE, 0.5, **{"weight_decay": 0.0, "beta_2": 0.75, **arguments}
    )


class SetInEpoch(keras.callbacks.Callback):
    """Sets a hyper-parameter from outside, when some epochs begin."""

    def __init__(self, name: str, values: dict[int, float]):
        super().__init__()
        self.name, self.values = name, values

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch in self.values:
            setattr(self.model.optimizer, self.name, self.values[epoch])


LINE = LinearRamp(0.5, 0.75, steps=EPOCHS * BATCHES)
Made = Callable[[], Any]
# What there is beside the monitor, and what is in the logs for it.
SHOWN: dict[str, tuple[Made, list[Made], dict[str, list[float]]]] = {
    "nothing": (adam, [], {}),
    "no decay": (lambda: adam(weight_decay=None), [], {}),
    "ramp": (
        adam,
        [lambda: Ramp("weight_decay", 0.0, 0.5)],
        {"weight_decay": [0.125, 0.25, 0.375, 0.5]},
    ),
    "two": (
        adam,
        [
            lambda: Ramp("weight_decay", 0.0, 0.5),
            lambda: Scheduler("beta_2", lambda epoch, value: 0.5 + epoch / 8),
        ],
        {
            "weight_decay": [0.125, 0.25, 0.375, 0.5],
            "beta_2": [0.5, 0.625, 0.75, 0.875],
        },
    ),
    "plan": (
        adam,
        [lambda: Scheduler("beta_2", LINE, unit="step")],
        {"beta_2": [0.5625, 0.625, 0.6875, 0.75]},
    ),
    "schedule of the optimizer": (
        lambda: adam(beta_2=LINE),
        [],
        {"beta_2": [0.5625, 0.625, 0.6875, 0.75]},
    ),
    "callable": (lambda: adam(beta_2=lambda: 0.5), [], {"beta_2": [0.5] * EPOCHS}),
    # Once shown it stays, also where it is what it was.
    "set and set back": (
        adam,
        [lambda: SetInEpoch("beta_2", {1: 0.5, 2: 0.75})],
        {"beta_2": [0.5, 0.75, 0.75]},
    ),
}


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(("make", "movers", "shown"), SHOWN.values(), ids=SHOWN)
def test_what_moves_is_shown(
    make: Made, movers: list[Made], shown: dict[str, list[float]], is_first: bool
) -> None:
    callbacks = [MomentumMonitor(), *(mover() for mover in movers)]
    if not is_first:
        callbacks.reverse()
    history = fit(compiled(make()), *callbacks, epochs=EPOCHS).history
    assert history.keys() & ALL == {"gamma", "learning_rate", *shown}
    for name, values in shown.items():
        assert history[name] == pytest.approx(values)


def test_each_fit_begins_anew() -> None:
    model, monitor = compiled(adam()), MomentumMonitor()
    shown = [
        fit(model, monitor, *others, epochs=1).history.keys() & ALL
        for others in ([Ramp("weight_decay", 0.0, 0.5)], [])
    ]
    assert shown == [
        {"gamma", "learning_rate", "weight_decay"},
        {"gamma", "learning_rate"},
    ]


def test_each_of_several_optimizers_shows_its_own() -> None:
    one, other = adam(name="one"), keras_momentum.NAG(RATE, name="other")
    model = fitting.compiled_with_both(one, other)
    ramp = Ramp("beta_2", 0.5, 0.75, optimizer=one)
    history = fit(model, ramp, MomentumMonitor(), epochs=2).history
    assert history["beta_2_one"] == pytest.approx([0.625, 0.75])
    assert {"gamma_one", "gamma_other"} < history.keys()
    assert not {"weight_decay_one", "weight_decay_other"} & history.keys()


@pytest.mark.skipif(
    keras.backend.backend() == "jax",
    reason="on JAX Keras can't replace an optimizer in mid-fit",
)
def test_that_of_another_optimizer_in_mid_fit() -> None:
    class Again(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                self.model.compile(adam(beta_2=LINE), "mse")

    history = fit(
        compiled(keras_momentum.NAG(RATE)), Again(), MomentumMonitor(), epochs=EPOCHS
    ).history
    assert history["beta_2"] == pytest.approx([0.5625, 0.625])


def test_tensorboard_shows_it_too(tmp_path: Path) -> None:
    model = compiled(adam())
    monitor = MomentumMonitor(log_dir=tmp_path)
    fit(model, Ramp("weight_decay", 0.0, 0.5), monitor, epochs=2)
    found = scalars(tmp_path / "momentum")
    assert set(found) == {f"Momentum/{name}" for name in {"weight_decay", *NAMES}}
    assert found["Momentum/weight_decay"] == pytest.approx(
        {BATCHES: 0.25, 2 * BATCHES: 0.5}
    )
