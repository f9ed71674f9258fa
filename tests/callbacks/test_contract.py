"""What every callback of the package keeps to."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import pytest

import keras_momentum
from keras_momentum import callbacks
from keras_momentum.callbacks import (
    EvaluateAtIterate,
    GammaRamp,
    GammaScheduler,
    MomentumMonitor,
    MomentumRestart,
    OneCycle,
    OvershootGuard,
    Ramp,
    RestartOnPlateau,
    Scheduler,
)
from keras_momentum.schedules import LinearRamp, NesterovSequence
from tests.callbacks import fitting
from tests.callbacks.fitting import RATE, compiled, fit, gamma_of

MAKE: dict[type, Callable[[], keras.callbacks.Callback]] = {
    EvaluateAtIterate: EvaluateAtIterate,
    GammaRamp: lambda: GammaRamp(0.2, 0.7),
    GammaScheduler: lambda: GammaScheduler(LinearRamp(0.7, 0.7, steps=1)),
    MomentumMonitor: MomentumMonitor,
    MomentumRestart: lambda: MomentumRestart(3),
    OneCycle: lambda: OneCycle(0.1, max_gamma=0.7, min_gamma=0.2),
    OvershootGuard: OvershootGuard,
    Ramp: lambda: Ramp("momentum", 0.2, 0.7),
    RestartOnPlateau: lambda: RestartOnPlateau("loss"),
    Scheduler: lambda: Scheduler("beta_1", LinearRamp(0.7, 0.7, steps=1)),
}
MOVERS = [GammaRamp, GammaScheduler, OneCycle, Ramp, Scheduler]
each_callback = pytest.mark.parametrize("kind", MAKE, ids=lambda kind: kind.__name__)


def test_each_callback_is_tested_here() -> None:
    public = [getattr(callbacks, name) for name in callbacks.__all__]
    assert set(MAKE) == {value for value in public if inspect.isclass(value)}


@each_callback
def test_an_optimizer_without_gamma_is_refused_before_training(kind: type) -> None:
    model = compiled(keras.optimizers.SGD(RATE, momentum=0.9))
    with pytest.raises(ValueError, match=r"compiled with .* keras_momentum"):
        fit(model, MAKE[kind](), epochs=1)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()


@each_callback
def test_only_what_moves_gamma_refuses_a_schedule(kind: type) -> None:
    model = compiled(keras_momentum.NAG(RATE, NesterovSequence()))
    if kind not in [*MOVERS, OvershootGuard]:
        fit(model, MAKE[kind](), epochs=1)
        return
    with pytest.raises(TypeError, match=f"{kind.__name__}.*schedule.*`momentum`"):
        fit(model, MAKE[kind](), epochs=1)
    assert (fitting.weights_of(model) == fitting.WEIGHTS).all()


@pytest.mark.parametrize("kind", MOVERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "other", [*MOVERS, OvershootGuard], ids=lambda kind: kind.__name__
)
def test_two_that_move_gamma_are_named(kind: type, other: type) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    with pytest.raises(
        ValueError, match=f"one callback.*{kind.__name__} and {other.__name__}"
    ):
        fit(model, MAKE[kind](), MAKE[other](), epochs=1)
    # And the next fit is not spoiled by it.
    fit(model, MAKE[kind](), epochs=1)


@pytest.mark.parametrize("kind", MOVERS, ids=lambda kind: kind.__name__)
def test_a_guard_that_only_restarts_goes_with_any(kind: type) -> None:
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    fit(model, MAKE[kind](), OvershootGuard(action="restart"), epochs=1)
    assert gamma_of(model) == pytest.approx(0.7)


def test_one_cycle_refuses_a_scheduled_learning_rate() -> None:
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    with pytest.raises(TypeError, match="OneCycle can't move the learning rate"):
        fit(compiled(keras_momentum.NAG(rate)), MAKE[OneCycle](), epochs=1)


@each_callback
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch traces nothing")
def test_nothing_is_traced_again(kind: type) -> None:
    traces = []

    class Counted(keras_momentum.NAG):
        def scalars_after(self, step: Any) -> Any:
            traces.append(1)
            return super().scalars_after(step)

    model = compiled(Counted(RATE, 0.5))
    fit(model, epochs=1)
    of_a_step = len(traces)
    assert of_a_step > 0
    # A step that measures is another function, traced beside the first.
    others = of_a_step if kind in (MomentumMonitor, OvershootGuard) else 0
    for _ in range(2):
        fit(model, MAKE[kind](), epochs=3)
        assert len(traces) == of_a_step + others
    fit(model, epochs=1)
    assert len(traces) == of_a_step + others


@each_callback
def test_inside_loss_scaling(kind: type) -> None:
    inner = keras_momentum.NAG(RATE, 0.5)
    model = compiled(keras.optimizers.LossScaleOptimizer(inner, initial_scale=4.0))
    fit(model, MAKE[kind](), epochs=2)
    if kind in MOVERS:
        assert gamma_of(model) == pytest.approx(0.7)


@each_callback
def test_each_of_several_optimizers(kind: type) -> None:
    optimizers = [keras_momentum.NAG(RATE, 0.5, name=name) for name in ("one", "two")]
    model = fitting.compiled_with_both(*optimizers)
    fit(model, MAKE[kind](), epochs=2)
    if kind in MOVERS:
        for optimizer in optimizers:
            gamma = float(keras.ops.convert_to_numpy(optimizer.gamma))
            assert gamma == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("make", "lines"),
    [
        (
            lambda: GammaRamp(0.2, 0.8, epochs=2, begin_epoch=1, verbose=1),
            [
                "Epoch 2: GammaRamp moving gamma from 0.2 to 0.8 in 2 epochs.",
                "Epoch 4: GammaRamp done, gamma is 0.8.",
            ],
        ),
        (
            lambda: GammaScheduler(lambda e, _: 0.5 if e < 2 else 0.75, verbose=1),
            [
                "Epoch 1: GammaScheduler setting gamma to 0.5.",
                "Epoch 3: GammaScheduler setting gamma to 0.75.",
            ],
        ),
        (
            lambda: Ramp("learning_rate", 0.05, 0.01, epochs=2, verbose=1),
            [
                "Epoch 1: Ramp moving the learning rate from 0.05 to 0.01 in 2 epochs.",
                "Epoch 3: Ramp done, the learning rate is 0.01.",
            ],
        ),
        (
            lambda: Scheduler(
                "learning_rate", LinearRamp(0.5, 0.25, steps=1), verbose=1
            ),
            [
                "Epoch 1: Scheduler setting the learning rate to 0.5.",
                "Epoch 2: Scheduler setting the learning rate to 0.25.",
            ],
        ),
        (
            lambda: OneCycle(0.1, warmup=0.4, verbose=1),
            [
                "Epoch 1: OneCycle raising the learning rate from 0.004 to 0.1 and "
                "lowering gamma from 0.95 to 0.85.",
                "Epoch 2: OneCycle at its peak; the learning rate falls to 4e-07, "
                "gamma rises to 0.95.",
            ],
        ),
        (
            lambda: MomentumRestart(7, verbose=1),
            ["Epoch 1: MomentumRestart setting velocity to 0 every 7 updates."],
        ),
        (
            lambda: MomentumRestart(2, unit="epoch", verbose=1),
            [
                "Epoch 3: MomentumRestart setting velocity to 0.",
                "Epoch 5: MomentumRestart setting velocity to 0.",
            ],
        ),
    ],
)
def test_verbose_prints_a_line_for_each_change_of_regime(
    make: Callable[[], Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    fit(compiled(keras_momentum.Momentum(RATE, 0.3)), make(), epochs=5)
    out = [line for line in capsys.readouterr().out.splitlines() if line]
    assert out == lines


def test_only_a_guard_speaks_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    for make in MAKE.values():
        fit(compiled(keras_momentum.NAG(RATE, 0.3)), make(), epochs=2)
    assert capsys.readouterr().out == ""


@each_callback
def test_in_a_training_loop_of_ones_own(kind: type) -> None:
    if kind is OneCycle:
        pytest.skip("it has to know the number of batches")
    model = compiled(keras_momentum.NAG(RATE, 0.5))
    model.optimizer.build(model.trainable_variables)
    events = keras.callbacks.CallbackList([MAKE[kind]()], model=model, epochs=2)
    events.on_train_begin()
    for epoch in range(2):
        events.on_epoch_begin(epoch)
        events.on_train_batch_begin(0)
        logs = model.train_on_batch(fitting.X, fitting.Y, return_dict=True)
        events.on_train_batch_end(0, logs)
        events.on_epoch_end(epoch, logs)
    events.on_train_end()
