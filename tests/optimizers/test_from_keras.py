"""Keras's optimizers are taken over in mid-training."""

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_momentum import NAG, Momentum, MomentumAdam, MomentumRMSprop, Muon
from keras_momentum.schedules import LinearRamp
from tests.optimizers.training import fit, losses, small_model
from tests.stepping import relative_error

SGD, RMSprop = keras.optimizers.SGD, keras.optimizers.RMSprop
SHAPES = [(3, 4), (5,), ()]
COSINE = keras.optimizers.schedules.CosineDecay(0.02, 20)


@pytest.mark.parametrize(
    ("ours", "theirs", "before", "after"),
    [
        (Momentum, lambda: SGD(0.02, 0.8, weight_decay=0.01, use_ema=True), 5, 3),
        (Momentum, lambda: SGD(0.02), 5, 3),
        (Momentum, lambda: SGD(COSINE, 0.8, clipnorm=1.0), 5, 3),
        # In the middle of an accumulation.
        (Momentum, lambda: SGD(0.02, 0.8, gradient_accumulation_steps=2), 5, 3),
        (NAG, lambda: SGD(0.02, 0.8, nesterov=True), 5, 3),
        (MomentumAdam, lambda: keras.optimizers.Adam(0.02, 0.8), 5, 3),
        (MomentumAdam, lambda: keras.optimizers.AdamW(0.02, weight_decay=0.1), 5, 3),
        # Their maximum is that of the uncorrected second moment, with which only the
        # next step can be the same.
        (MomentumAdam, lambda: keras.optimizers.Adam(0.02, amsgrad=True), 5, 1),
        (MomentumAdam, lambda: keras.optimizers.Nadam(0.02, 0.8), 300, 3),
        (MomentumRMSprop, lambda: RMSprop(0.02, 0.9, 0.8), 5, 3),
        (MomentumRMSprop, lambda: RMSprop(0.02, 0.9, 0), 5, 3),
        (MomentumRMSprop, lambda: RMSprop(0.02, 0.9, 0.8, centered=True), 5, 3),
    ],
    ids=[
        *("SGD", "SGD-without-momentum", "SGD-schedule", "SGD-accumulating"),
        *("SGD-nesterov", "Adam", "AdamW", "Adam-amsgrad", "Nadam"),
        *("RMSprop", "RMSprop-without-momentum", "RMSprop-centered"),
    ],
)
def test_it_goes_on_as_keras_would(
    ours: Any, theirs: Any, before: int, after: int
) -> None:
    rng = np.random.default_rng(5)
    # Away from 0, where epsilon would show, and smaller and smaller, so that a maximum
    # of the second moment is one of the past.
    gradients = [
        [
            np.float32(rng.choice([-1, 1], s) * (1 + rng.random(s)) * 0.9**t)
            for s in SHAPES
        ]
        for t in range(20)
    ]
    weights = [keras.Variable(np.ones(shape, np.float32)) for shape in SHAPES]
    check_that_it_goes_on(ours, theirs(), weights, gradients, before, after)


def check_that_it_goes_on(
    ours: Any, old: Any, weights: Any, gradients: Any, before: int, after: int
) -> Any:
    """Also returns the new optimizer."""

    def steps(optimizer: Any, first: int, last: int) -> None:
        for t in range(first, last):
            optimizer.apply(
                [ops.convert_to_tensor(each) for each in gradients[t % 20]], weights
            )

    steps(old, 0, before)
    new = ours.from_keras(old)
    # The new optimizer belongs to the same weights; so they are put back for it.
    values = [ops.convert_to_numpy(weight).copy() for weight in weights]
    steps(old, before, before + after)
    old.finalize_variable_values(weights)
    expected = [ops.convert_to_numpy(weight).astype(float) for weight in weights]
    for weight, value in zip(weights, values, strict=True):
        weight.assign(value)
    steps(new, before, before + after)
    new.finalize_variable_values(weights)
    assert int(new.iterations) == int(old.iterations)
    for weight, value in zip(weights, expected, strict=True):
        assert relative_error(weight, value) < 2e-5
    return new


@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_goes_on_as_keras_would(nesterov: bool) -> None:
    shapes = {
        "kernel": (3, 4),
        "tall": (6, 2),
        "embeddings": (6, 3),
        "output": (4, 2),
        "convolution": (2, 2, 3, 4),
        "bias": (4,),
    }
    rng = np.random.default_rng(7)
    gradients = [
        [
            np.float32(rng.choice([-1, 1], s) * (1 + rng.random(s)))
            for s in shapes.values()
        ]
        for _ in range(20)
    ]
    weights = [
        keras.Variable(rng.normal(size=shape).astype(np.float32), name=name)
        for name, shape in shapes.items()
    ]
    old = keras.optimizers.Muon(
        0.02,
        nesterov=nesterov,
        momentum=0.8,
        exclude_layers=["out"],
        adam_lr_ratio=0.5,
        weight_decay=0.1,
        adam_weight_decay=0.2,
        ns_steps=4,
        muon_c=2.0,
    )
    old.exclude_from_weight_decay(var_names=["tall", "bias"])
    new = check_that_it_goes_on(Muon, old, weights, gradients, 5, 3)
    ours = dict(zip(shapes, map(new.is_elementwise, weights), strict=True))
    assert [name for name in ours if not ours[name]] == ["kernel", "tall"]


def test_muon_is_that_of_keras_in_a_fit_and_warms_up_by_one_line() -> None:
    expected = losses(keras.optimizers.Muon(learning_rate=0.02, weight_decay=0.01))
    same = losses(Muon(learning_rate=0.02, weight_decay=0.01))
    np.testing.assert_allclose(same, expected, rtol=1e-5)
    warmed = Muon(
        learning_rate=0.02,
        weight_decay=0.01,
        momentum=LinearRamp(0.85, 0.95, steps=300),
    )
    assert losses(warmed)[1] != pytest.approx(expected[1], rel=1e-4)
    # That of the next update, after 12.
    assert float(warmed.gamma) == pytest.approx(0.85 + 0.1 * 12 / 300)


def test_a_model_goes_on_under_the_new_optimizer() -> None:
    expected = losses(SGD(0.02, 0.9, nesterov=True), epochs=4)
    keras.utils.set_random_seed(3)
    model = small_model(SGD(0.02, 0.9, nesterov=True))
    first = fit(model, epochs=2)
    model.compile(NAG.from_keras(model.optimizer), "mse")
    np.testing.assert_allclose(first + fit(model, epochs=2), expected, rtol=1e-5)


def test_excluded_weights_stay_excluded_from_weight_decay() -> None:
    weights = [keras.Variable([1.0], name=name) for name in ("kernel", "bias")]
    old = SGD(0.1, 0.9, weight_decay=0.5)
    old.exclude_from_weight_decay(var_names=["bias"])
    old.build(weights)
    Momentum.from_keras(old).apply([ops.zeros(1), ops.zeros(1)], weights)
    kernel, bias = [float(ops.convert_to_numpy(weight)[0]) for weight in weights]
    assert kernel == pytest.approx(0.95)
    assert bias == 1.0


def test_what_does_not_fit_is_refused() -> None:
    weight = keras.Variable([1.0])
    nesterov = SGD(0.1, 0.9, nesterov=True)
    with pytest.raises(ValueError, match="`optimizer` must be built"):
        NAG.from_keras(nesterov)
    nesterov.build([weight])
    with pytest.raises(ValueError, match="NAG.from_keras"):
        Momentum.from_keras(nesterov)
    with pytest.raises(TypeError, match="`optimizer` must be.*Adam"):
        MomentumAdam.from_keras(nesterov)
    wrapped = keras.optimizers.LossScaleOptimizer(nesterov)
    with pytest.raises(TypeError, match="inner_optimizer"):
        NAG.from_keras(wrapped)
    plain = SGD(0.1)
    plain.build([weight])
    with pytest.raises(ValueError, match="nesterov=True.*Momentum.from_keras"):
        NAG.from_keras(plain)
