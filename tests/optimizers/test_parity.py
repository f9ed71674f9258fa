"""Where the definitions agree: constant gamma against Keras, PyTorch and optax."""

import functools
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_momentum
from tests.optimizers.family import TWINS, TwinCase
from tests.stepping import MODES, stepper

STEPS = 50
SHAPES = [(3, 4), (5,), (), (130, 130), (7, 3)]
RNG = np.random.default_rng(11)
FIRST = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]
# Away from 0, where epsilon, which stands in different places, would show.
GRADIENTS = [
    [
        (RNG.uniform(0.2, 1.0, shape) * RNG.choice([-1, 1], shape)).astype(np.float32)
        for shape in SHAPES
    ]
    for _ in range(STEPS)
]


def apart(ours: Any, theirs: np.ndarray) -> float:
    """The largest difference, relative to the largest weight, or to 1 near 0."""
    difference = np.abs(ops.convert_to_numpy(ours).astype(float) - theirs)
    return float(np.max(difference) / max(1.0, np.max(np.abs(theirs))))


def run(
    optimizer: keras.optimizers.Optimizer, mode: str = MODES[-1]
) -> list[np.ndarray]:
    variables = [keras.Variable(value.copy()) for value in FIRST]
    step = stepper(optimizer, variables, mode)
    for gradients in GRADIENTS:
        step(*gradients)
    return [ops.convert_to_numpy(variable) for variable in variables]


@pytest.mark.parametrize("case", TWINS.values(), ids=TWINS.keys())
def test_constant_gamma_equals_keras(case: TwinCase) -> None:
    variables = [keras.Variable(value.copy()) for value in FIRST]
    optimizer = case.make(0.01, 0.5)
    optimizer.build(variables)
    everything = [*variables, *optimizer.variables]
    first = [np.array(ops.convert_to_numpy(variable)) for variable in everything]
    step = stepper(optimizer, variables, MODES[-1])
    for gamma in (0.0, 0.5, 0.95):
        # From the beginning, in the step that was compiled for the first one.
        for variable, value in zip(everything, first, strict=True):
            variable.assign(value)
        optimizer.gamma = gamma
        for gradients in GRADIENTS:
            step(*gradients)
        theirs = run(case.keras_twin(0.01, gamma), "eager")
        for a, b in zip(variables, theirs, strict=True):
            error = apart(a, b.astype(float))
            assert error < 2 * case.tolerance, f"gamma {gamma}"


def torch_sgd(nesterov: bool) -> Callable[..., Any]:
    import torch

    return lambda weights: torch.optim.SGD(
        weights, 0.01, momentum=0.9, nesterov=nesterov
    )


def torch_adam(amsgrad: bool) -> Callable[..., Any]:
    import torch

    return lambda weights: torch.optim.Adam(weights, 0.01, eps=1e-9, amsgrad=amsgrad)


def torch_nadam() -> Callable[..., Any]:
    import torch

    # PyTorch multiplies beta_1 by 1 − 0.96^(t · momentum_decay) / 2: by 1/2 for 0, and
    # only for a large one by 1.
    return lambda weights: torch.optim.NAdam(
        weights, 0.01, eps=1e-9, momentum_decay=1e4
    )


def torch_rmsprop(centered: bool) -> Callable[..., Any]:
    import torch

    # With a constant rate it makes no difference that it stands outside the velocity.
    return lambda weights: torch.optim.RMSprop(
        weights, 0.01, alpha=0.9, eps=1e-9, momentum=0.8, centered=centered
    )


OURS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: keras_momentum.Momentum(0.01),
    "sgd-nesterov": lambda: keras_momentum.NAG(0.01),
    "adam": lambda: adam(),
    "nadam": lambda: adam(nesterov=True),
    "amsgrad": lambda: adam(amsgrad=True),
    "rmsprop": lambda: rmsprop(),
    "rmsprop-centered": lambda: rmsprop(centered=True),
    "ademamix": lambda: keras_momentum.AdEMAMix(0.01, epsilon=1e-9, weight_decay=0.1),
    "ademamix-warmup": lambda: keras_momentum.AdEMAMix.with_warmup(
        WARMUP, 0.01, epsilon=1e-9
    ),
}
# Shorter than the run.
WARMUP = 40


def adam(**arguments: Any) -> Any:
    return keras_momentum.MomentumAdam(0.01, epsilon=1e-9, **arguments)


def rmsprop(**arguments: Any) -> Any:
    return keras_momentum.MomentumRMSprop(0.01, momentum=0.8, epsilon=1e-9, **arguments)


@functools.cache
def ours(name: str) -> list[np.ndarray]:
    """The weights in the end, which are compared with torch's and with optax's."""
    return run(OURS[name]())


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda: torch_sgd(False)),
        ("sgd-nesterov", lambda: torch_sgd(True)),
        ("adam", lambda: torch_adam(False)),
        ("nadam", torch_nadam),
        ("rmsprop", lambda: torch_rmsprop(False)),
        ("rmsprop-centered", lambda: torch_rmsprop(True)),
    ],
)
def test_constant_gamma_equals_torch(name: str, theirs: Any) -> None:
    torch = pytest.importorskip("torch")
    weights = [torch.tensor(value, requires_grad=True) for value in FIRST]
    optimizer = theirs()(weights)
    for gradients in GRADIENTS:
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.tensor(gradient)
        optimizer.step()
    for a, b in zip(ours(name), weights, strict=True):
        assert apart(a, b.detach().numpy().astype(float)) < 2e-5


def beta_3(step: Any) -> float:
    """By the formula in the paper, from 0.9 to 0.9999."""
    progress, begin, end = alpha(step) / 5, math.log(0.9), math.log(0.9999)
    return math.exp(begin * end / ((1 - progress) * end + progress * begin))


def alpha(step: Any) -> float:
    return 5 * min(int(step) / WARMUP, 1)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sgd", {"momentum": 0.9}),
        ("sgd-nesterov", {"momentum": 0.9, "nesterov": True}),
        ("adam", {"eps": 1e-9}),
        ("nadam", {"eps": 1e-9}),
        ("amsgrad", {"eps": 1e-9}),
        ("rmsprop", {"eps": 1e-9, "momentum": 0.8}),
        ("rmsprop-centered", {"eps": 1e-9, "momentum": 0.8, "centered": True}),
        ("ademamix", {"eps": 1e-9, "weight_decay": 0.1}),
        # Its schedules count from 0 too.
        ("ademamix-warmup", {"eps": 1e-9, "b3": beta_3, "alpha": alpha}),
    ],
)
def test_constant_gamma_equals_optax(name: str, arguments: dict[str, Any]) -> None:
    optax = pytest.importorskip("optax")
    kind = name.partition("-")[0]
    place = optax.contrib if kind == "ademamix" else optax
    optimizer = getattr(place, kind)(0.01, **arguments)
    weights = [np.array(value) for value in FIRST]
    state = optimizer.init(weights)
    for gradients in GRADIENTS:
        updates, state = optimizer.update(gradients, state, weights)
        weights = optax.apply_updates(weights, updates)
    # AdEMAMix's scalar ends 0.035 from 0, after a way of many times that.
    tolerance = 1e-4 if kind == "ademamix" else 2e-5
    for a, b in zip(ours(name), weights, strict=True):
        assert apart(a, np.asarray(b, float)) < tolerance


def test_velocity_contains_the_learning_rate_as_in_keras() -> None:
    """After a drop of the rate Keras and we part from PyTorch and optax."""
    weight = keras.Variable(0.0)
    optimizer = keras_momentum.Momentum(1.0, 0.9)
    twin_weight = keras.Variable(0.0)
    twin = keras.optimizers.SGD(1.0, 0.9)
    for rate in (1.0, 0.1):
        for each, variable in ((optimizer, weight), (twin, twin_weight)):
            each.learning_rate = rate
            each.apply([ops.ones(())], [variable])
    # velocity 1, then 0.9 · 1 + 0.1; with the rate outside it would be 0.1 · 1.9.
    assert float(ops.convert_to_numpy(weight)) == pytest.approx(-2.0)
    assert float(ops.convert_to_numpy(twin_weight)) == pytest.approx(-2.0)
