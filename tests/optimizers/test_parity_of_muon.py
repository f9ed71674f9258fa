"""Where the definitions agree: Muon with constant gamma against PyTorch and optax."""

import functools

import numpy as np
import pytest

import keras_momentum
from tests.optimizers.test_parity import FIRST, GRADIENTS, SHAPES, run
from tests.stepping import relative_error

MATRICES = [i for i, shape in enumerate(SHAPES) if len(shape) == 2]
# The largest that was measured is 1.2e-6, of 50 orthogonalizations in float32.
TOLERANCE = 1e-5


@functools.cache
def ours(nesterov: bool) -> list[np.ndarray]:
    """The weights in the end."""
    optimizer = keras_momentum.Muon(
        0.01,
        nesterov=nesterov,
        adam_lr_ratio=0.5,
        epsilon=1e-9,
        weight_decay=0.1,
        adam_weight_decay=0.2,
    )
    return run(optimizer)


@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_equals_torch(nesterov: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    # It orthogonalizes in bfloat16, of which nothing but this would be seen.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    weights = [torch.tensor(FIRST[i], requires_grad=True) for i in MATRICES]
    optimizer = torch.optim.Muon(
        *(weights, 0.01, 0.1),
        nesterov=nesterov,
        adjust_lr_fn="match_rms_adamw",
    )
    for gradients in GRADIENTS:
        for i, weight in zip(MATRICES, weights, strict=True):
            weight.grad = torch.tensor(gradients[i])
        optimizer.step()
    for i, weight in zip(MATRICES, weights, strict=True):
        expected = weight.detach().numpy().astype(float)
        error = relative_error(ours(nesterov)[i], expected)
        assert error < TOLERANCE


@pytest.mark.parametrize("nesterov", [False, True])
def test_muon_equals_optax(nesterov: bool) -> None:
    optax = pytest.importorskip("optax")
    import jax

    optimizer = optax.contrib.muon(
        0.01,
        eps=1e-9,
        weight_decay=0.1,
        nesterov=nesterov,
        # It decays by Adam's own learning rate, which is half of that of matrices.
        adam_weight_decay=0.4,
        adam_learning_rate=0.005,
        consistent_rms=0.2,
    )
    weights = [np.array(value) for value in FIRST]
    state = optimizer.init(weights)
    if nesterov:
        # It corrects the velocity and the gradient of u as NAdam does, each by a factor
        # of its own, which turns the first updates. After many there is none.
        state = optax.tree.set(state, count=np.int32(10_000))
    update = jax.jit(optimizer.update)
    for gradients in GRADIENTS:
        updates, state = update(gradients, state, weights)
        weights = optax.apply_updates(weights, updates)
    # With `nesterov` it makes NAdam of Adam as well.
    for i in MATRICES if nesterov else range(len(SHAPES)):
        error = relative_error(ours(nesterov)[i], np.asarray(weights[i], float))
        assert error < TOLERANCE
