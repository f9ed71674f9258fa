"""What tests of the examples share."""

from pathlib import Path

import numpy as np
import pytest

import keras_momentum
from fruits.saved_model import save_model
from tests.examples.classifiers import CLASSES, SIZE, network


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with nothing in it."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model, with an optimizer, as a training leaves it."""
    file = tmp_path_factory.mktemp("run") / "best.keras"
    model = network()
    model.compile(keras_momentum.Momentum(0.01), "categorical_crossentropy")
    model.fit(np.zeros((4, SIZE, SIZE, 3)), np.eye(4), verbose=0)
    model.set_weights(network().get_weights())
    save_model(model, CLASSES, file)
    return file
