"""`MomentumMonitor` in TensorBoard."""

from pathlib import Path

import keras
import pytest

import keras_momentum
from keras_momentum.callbacks import MomentumMonitor
from tests.callbacks.fitting import BATCHES, RATE, compiled, fit
from tests.callbacks.test_momentum_monitor import EPOCHS, GAMMA, NAMES, measures


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """All scalars under a folder, by tag and step."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.util.tensor_util import make_ndarray

    found: dict[str, dict[int, float]] = {}
    for file in folder.rglob("*tfevents*"):
        for event in EventFileLoader(str(file)).Load():
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    number = float(make_ndarray(value.tensor))
                    found.setdefault(value.tag, {})[event.step] = number
    return found


@pytest.mark.parametrize("is_first", [True, False])
def test_tensorboard_shows_the_group_wherever_it_stands(
    is_first: bool, tmp_path: Path
) -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    callbacks = [
        MomentumMonitor(log_dir=tmp_path),
        keras.callbacks.TensorBoard(tmp_path),
    ]
    if not is_first:
        callbacks.reverse()
    history = fit(model, *callbacks, epochs=EPOCHS).history
    found = scalars(tmp_path / "momentum")
    assert {f"Momentum/{name}" for name in NAMES} == set(found)
    at = [BATCHES * (epoch + 1) for epoch in range(EPOCHS)]
    assert list(found["Momentum/cosine"]) == at
    values = list(found["Momentum/cosine"].values())
    assert values == pytest.approx(history["cosine"], rel=1e-6)
    assert "epoch_loss" in scalars(tmp_path / "train")


def test_tensorboard_has_a_page_of_charts(tmp_path: Path) -> None:
    import re

    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.plugins.custom_scalar import layout_pb2
    from tensorboard.util.tensor_util import make_ndarray

    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    fit(model, MomentumMonitor(log_dir=tmp_path), epochs=1)
    (file,) = (tmp_path / "momentum").iterdir()
    (layout,) = (
        layout_pb2.Layout.FromString(make_ndarray(value.tensor).item())
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "custom_scalars"
    )
    (category,) = layout.category
    assert category.title == "Momentum"
    tags = scalars(tmp_path)
    for chart in category.chart:
        (pattern,) = chart.multiline.tag
        assert [tag for tag in tags if re.search(pattern, tag)] == [
            f"Momentum/{chart.title.replace(' ', '_')}"
        ]


def test_weights_and_histograms_on_request(tmp_path: Path) -> None:
    model = compiled(keras_momentum.Momentum(RATE, GAMMA))
    monitor = MomentumMonitor(log_dir=tmp_path, per_layer=True, histograms=True)
    fit(model, monitor, epochs=1)
    (weight,) = model.trainable_variables
    norms = scalars(tmp_path)[f"Momentum velocity norm/{weight.path}"]
    expected = measures(BATCHES - 1)["velocity_norm"]
    assert norms == pytest.approx({BATCHES: expected}, rel=1e-4)
    (file,) = (tmp_path / "momentum").iterdir()
    assert f"Momentum velocity/{weight.path}".encode() in file.read_bytes()
