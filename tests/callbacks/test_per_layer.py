"""An optimizer for each layer, and one ramp and one monitor over both."""

import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum._numbers import number
from keras_momentum.callbacks import MomentumMonitor, Ramp
from tests import reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "schedules-and-callbacks.md"
BLOCKS = re.findall(r"```python\n(.*?)\n```", DOCUMENT.read_text("utf-8"), re.DOTALL)
(CODE,) = (block for block in BLOCKS if "MultiOptimizer" in block)
_rng = np.random.default_rng(5)
SAMPLES, EPOCHS = 12, 5
X = _rng.normal(size=(SAMPLES, 3)).astype(np.float32)
Y = _rng.normal(size=(SAMPLES, 1)).astype(np.float32)
BODY = _rng.normal(size=(3, 2)).astype(np.float32)
HEAD = _rng.normal(size=(2, 1)).astype(np.float32)


def build_model() -> keras.Model:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(2, use_bias=False, name="body"),
            layers.Dense(1, use_bias=False, name="head"),
        ]
    )
    model.set_weights([BODY, HEAD])
    return model


def expected(epochs: int) -> tuple[list[np.ndarray], list[dict[str, float]]]:
    """Body and head after so many updates, of one batch each; and their cosines."""
    x, y = X.astype(np.float64), Y.astype(np.float64)
    weights = [BODY.astype(np.float64), HEAD.astype(np.float64)]
    velocities = [np.zeros_like(weight) for weight in weights]
    cosines = []
    for t in range(epochs):
        gamma = reference.linear_ramp(t, 0.5, 0.9, epochs)
        body, head = weights
        error = 2 / SAMPLES * (x @ body @ head - y)
        gradients = [x.T @ error @ head.T, (x @ body).T @ error]
        cosine = {}
        for i, (name, rate, decay) in enumerate(
            [("body", 0.01, 0.1), ("head", 0.05, 0.0)]
        ):
            g = gradients[i]
            velocities[i] = v = gamma * velocities[i] + rate * g
            weights[i] = weights[i] - rate * decay * weights[i] - v
            norms = np.linalg.norm(g) * np.linalg.norm(v)
            cosine[name] = float(np.sum(g * v) / norms)
        cosines.append(cosine)
    return weights, cosines


def test_the_code_of_the_document_runs_as_it_stands() -> None:
    model = build_model()
    names: dict[str, Any] = {
        "keras": keras,
        "keras_momentum": keras_momentum,
        "model": model,
        "x": X,
        "y": Y,
    }
    exec(CODE, names)
    weights, cosines = expected(EPOCHS)
    for weight, wanted in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=2e-5, atol=1e-6)
    history = names["history"].history
    for name in ("body", "head"):
        wanted_gammas = [0.5 + 0.08 * (epoch + 1) for epoch in range(EPOCHS)]
        assert history[f"gamma_{name}"] == pytest.approx(wanted_gammas)
        wanted_cosines = [cosine[name] for cosine in cosines]
        assert history[f"cosine_{name}"] == pytest.approx(wanted_cosines, abs=1e-4)


def by_layer(pattern: str = ".*head/.*") -> Any:
    body, head = (
        keras_momentum.Momentum(rate, weight_decay=decay, name=name)
        for rate, decay, name in [(0.01, 0.1, "body"), (0.05, 0.0, "head")]
    )
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(body, {pattern: head})
    )


def test_one_of_them_alone() -> None:
    model = build_model()
    model.compile(by_layer(), "mse")
    head, body = model.optimizer.optimizers
    assert [head.name, body.name] == ["head", "body"]
    ramp = Ramp("weight_decay", 0.0, 0.5, optimizer=head)
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[ramp]).history
    # Named, as the other one has a weight decay, too.
    assert history["weight_decay_head"] == [0.25, 0.5]
    assert number(body.weight_decay) == pytest.approx(0.1)


def test_a_ramp_for_each_of_them() -> None:
    model = build_model()
    model.compile(by_layer(), "mse")
    head, body = model.optimizer.optimizers
    ramps = [
        Ramp("momentum", 0.5, 0.6, optimizer=head),
        Ramp("gamma", 0.8, 0.9, optimizer=body),
    ]
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=ramps).history
    assert history["gamma_head"] == pytest.approx([0.55, 0.6])
    assert history["gamma_body"] == pytest.approx([0.85, 0.9])


def test_it_is_saved_in_mid_ramp(tmp_path: Path) -> None:
    model = build_model()
    model.compile(by_layer(), "mse")
    model.fit(
        X, Y, epochs=5, verbose=0, callbacks=[Ramp("gamma", 0.5, 0.9), StopAfterTwo()]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ramp = Ramp("gamma", 0.5, 0.9)
    loaded.fit(X, Y, epochs=5, initial_epoch=2, verbose=0, callbacks=[ramp])
    for weight, wanted in zip(loaded.get_weights(), expected(5)[0], strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=2e-5, atol=1e-6)


class StopAfterTwo(keras.callbacks.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.stop_training = epoch == 1


@pytest.mark.parametrize("make", [lambda: Ramp("gamma", 0.5, 0.9), MomentumMonitor])
def test_one_without_weights_is_told(make: Any) -> None:
    model = build_model()
    model.compile(by_layer("head/kernel"), "mse")
    with pytest.warns(UserWarning, match="no update of head.*no weights; a pattern"):
        model.fit(X, Y, epochs=1, verbose=0, callbacks=[make()])
