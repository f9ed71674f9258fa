"""Weights that an optimizer leaves out of weight decay, in the runs of a comparison."""

from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import Candidate, compare

X, Y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")
# A weight of 1 after two updates with a learning rate of 0.1 and a decay of 0.5.
DECAYED = 0.95**2


def build_model(layer: str = "dense") -> keras.Model:
    """All weights are 1, and nothing but weight decay moves them."""
    dense = keras.layers.Dense(
        1, kernel_initializer="ones", bias_initializer="ones", name=layer
    )
    model = keras.Sequential([keras.Input((2,)), dense], name="model")
    model.compile("sgd", lambda y_true, y_pred: 0.0 * keras.ops.mean(y_pred))
    return model


def decaying(kind: Any = keras_momentum.Momentum, **excluded: Any) -> Any:
    optimizer = kind(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(**excluded)
    return optimizer


class Remembers(keras.callbacks.Callback):
    """Writes down kernel and bias at the end of training, by the model's candidate."""

    found: ClassVar[dict[str, tuple[float, float]]] = {}

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def on_train_end(self, logs: Any = None) -> None:
        kernel, bias = self.model.get_weights()
        Remembers.found[self.name] = (float(kernel[0, 0]), float(bias[0]))


def weights_after(
    folder: Path, model: Any, **optimizers: Any
) -> dict[str, tuple[float, float]]:
    """Kernel and bias after two updates, by the name of the optimizer."""
    Remembers.found = {}
    candidates = {
        name: Candidate(optimizer, [Remembers(name)])
        for name, optimizer in optimizers.items()
    }
    arguments: dict[str, Any] = {
        "epochs": 2,
        "seeds": (0,),
        "verbose": 0,
        "log_dir": folder,
    }
    compare(model, candidates, (X, Y), **arguments)
    return Remembers.found


def test_names_and_weights_of_a_given_model_are_excluded(tmp_path: Path) -> None:
    model = build_model()
    kernel, _ = model.trainable_variables
    found = weights_after(
        tmp_path,
        model,
        names=decaying(var_names=["bias"]),
        of_keras=decaying(keras.optimizers.SGD, var_names=["bias"]),
        wrapped=keras.optimizers.LossScaleOptimizer(decaying(var_names=["bias"])),
        weights=decaying(var_list=[kernel]),
        none=decaying(),
    )
    expected = {
        "names": (DECAYED, 1.0),
        "of_keras": (DECAYED, 1.0),
        "wrapped": (DECAYED, 1.0),
        "weights": (1.0, DECAYED),
        "none": (DECAYED, DECAYED),
    }
    assert found.keys() == expected.keys()
    for name, weights in expected.items():
        assert found[name] == pytest.approx(weights), name


def test_weights_of_another_model_are_found_by_their_paths(tmp_path: Path) -> None:
    other = build_model("mine")
    optimizer = decaying(var_list=[other.trainable_variables[1]])
    optimizer.build(other.trainable_variables)
    (weights,) = weights_after(
        tmp_path, lambda: build_model("mine"), a=optimizer
    ).values()
    assert weights == pytest.approx((DECAYED, 1.0))


@pytest.mark.parametrize("is_built", [False, True], ids=["no path", "other path"])
def test_weights_that_are_not_found_are_refused(is_built: bool, tmp_path: Path) -> None:
    other = build_model("theirs")
    optimizer = decaying(var_list=[other.trainable_variables[1]])
    if is_built:
        optimizer.build(other.trainable_variables)
    with pytest.raises(
        ValueError, match=r"no counterpart of the same path.*var_names=\[\.\.\.\]"
    ):
        weights_after(tmp_path, lambda: build_model("mine"), first="sgd", a=optimizer)
    assert not list(tmp_path.iterdir())


def test_a_run_without_the_exclusion_is_another_one(tmp_path: Path) -> None:
    weights_after(tmp_path, build_model, a=decaying())
    with pytest.raises(ValueError, match="with another optimizer than now"):
        weights_after(tmp_path, build_model, a=decaying(var_names=["bias"]))
