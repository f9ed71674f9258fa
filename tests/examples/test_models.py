"""The networks: Keras's own preprocessing and weights, one line of a configuration."""

import typing
from pathlib import Path
from typing import Any, Final

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from fruits.config import Config, Network
from fruits.errors import RefusedError
from fruits.models import classifier
from tests.examples.broken_files import BROKEN, broken
from tests.once import once

SIZE, CLASSES = 32, 3
NAMES = typing.get_args(Network.model_fields["name"].annotation)
APPLICATIONS = [name for name in NAMES if name != "residual_network"]
# One of each family; the others differ in depth and width.
FAMILIES = {
    "ResNet50": "resnet",
    "ResNet50V2": "resnet_v2",
    "EfficientNetB0": "efficientnet",
    "EfficientNetV2B0": "efficientnet_v2",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "MobileNetV3Small": "mobilenet_v3",
}
SMALL: Final = "MobileNetV2"


def pictures(count: int = 2) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8)


def without_top(name: str, **arguments: Any) -> keras.Model:
    make = getattr(keras.applications, name)
    shape = (SIZE, SIZE, 3)
    return make(include_top=False, input_shape=shape, pooling="avg", **arguments)


def inner(model: keras.Model) -> keras.Model:
    (network,) = (each for each in model.layers if isinstance(each, keras.Model))
    return network


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network without its top, as Keras saves them."""
    file = tmp_path_factory.mktemp("weights") / "small.weights.h5"
    without_top(SMALL, weights=None).save_weights(file)
    return file


@once
def test_the_names_are_all_that_keras_has_of_these_families() -> None:
    families = ("ResNet", "EfficientNet", "MobileNet")
    theirs = [name for name in dir(keras.applications) if name.startswith(families)]
    assert sorted(APPLICATIONS) == sorted(theirs)


@once
@pytest.mark.parametrize("name", ["residual_network", SMALL])
def test_values_of_0_to_255_become_logits_in_float32(name: str) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    network = Network.model_validate({"name": name, "dropout": 0.4})
    model = classifier(network, SIZE, CLASSES)
    assert model.name == name
    logits = model.predict(pictures(), verbose=0)
    assert logits.shape == (2, CLASSES)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()
    dropped = [each for each in model.layers if isinstance(each, keras.layers.Dropout)]
    assert [each.rate for each in dropped] == [0.4]


@once
@pytest.mark.slow
@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
def test_keras_own_preprocessing_is_in_the_saved_model(
    name: str, family: str, tmp_path: Path
) -> None:
    """Whoever loads the file gives it plain pictures."""
    model = classifier(Network.model_validate({"name": name}), SIZE, CLASSES)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    preprocess = getattr(keras.applications, family).preprocess_input
    features = inner(model)(preprocess(pictures().astype(np.float32)))
    expected = keras.ops.convert_to_numpy(model.get_layer("logits")(features))
    found = keras.ops.convert_to_numpy(loaded(pictures()))
    # The numbers of an untrained network may be tiny.
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-3)


@once
@pytest.mark.parametrize("ending", [".weights.h5", ".h5"])
def test_weights_of_a_file_are_those_that_the_model_starts_from(
    ending: str, tmp_path: Path
) -> None:
    original = without_top(SMALL, weights=None)
    file = tmp_path / f"small_notop{ending}"
    if ending == ".weights.h5":
        original.save_weights(file)
    else:  # That of the files that Keras downloads.
        with h5py.File(file, "w") as content:
            legacy_h5_format.save_weights_to_hdf5_group(content, original)
    model = classifier(Network(name=SMALL, weights=str(file)), SIZE, CLASSES)
    for mine, theirs in zip(inner(model).weights, original.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


@once
@pytest.mark.slow
def test_imagenet_weights_of_a_file_see_what_they_were_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras scales once more for weights="imagenet", not for the file it downloads."""
    file = tmp_path / "efficientnetb0_notop.weights.h5"
    download = without_top("EfficientNetB0", weights=None)
    (normalization,) = (
        each for each in download.layers if isinstance(each, keras.layers.Normalization)
    )
    mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    normalization.set_weights([mean, deviation**2, np.array(1)])
    download.save_weights(file)
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file", lambda *_, **__: str(file)
    )
    by_keras = classifier(
        Network(name="EfficientNetB0", weights="imagenet"), SIZE, CLASSES
    )
    by_file = classifier(
        Network(name="EfficientNetB0", weights=str(file)), SIZE, CLASSES
    )
    np.testing.assert_allclose(
        first_layers(by_file), first_layers(by_keras), rtol=1e-3, atol=1e-4
    )


def first_layers(model: keras.Model) -> np.ndarray:
    """What the first convolution of an EfficientNet is given."""
    network = inner(model)
    x = pictures().astype(np.float32)
    for layer in model.layers[1 : model.layers.index(network)]:
        x = layer(x)
    end = network.get_layer("stem_conv_pad").output
    return keras.ops.convert_to_numpy(keras.Model(network.input, end)(x))


def write_weights(kind: str, folder: Path, saved: Path) -> str:
    """A value of model.weights that can't be used."""
    file = folder / "the.weights.h5"
    if kind in BROKEN:
        file = broken(kind, file, saved)
    elif kind == "HDF5 without layers":
        with h5py.File(file, "w") as content:
            content["x"] = 1.0
    elif kind == "another network":
        without_top("MobileNet", weights=None).save_weights(file)
    elif kind == "the whole classifier":
        classifier(Network(name=SMALL), SIZE, CLASSES).save_weights(file)
    elif kind == "a name that ends so":
        return "imagenet.h5"
    return str(file)


@once
@pytest.mark.parametrize(
    "kind",
    [
        *BROKEN,
        "HDF5 without layers",
        "another network",
        "the whole classifier",
        "a name that ends so",
    ],
)
def test_weights_that_do_not_fit_are_refused_in_a_sentence(
    kind: str, tmp_path: Path, saved: Path
) -> None:
    weights = write_weights(kind, tmp_path, saved)
    with pytest.raises(RefusedError) as refused:
        classifier(Network(name=SMALL, weights=weights), SIZE, CLASSES)
    message = str(refused.value)
    assert message.startswith("model.weights must be a .weights.h5 or .h5 file of ")
    assert repr(weights) in message
    assert SMALL in message
    assert "\n" not in message


@once
def test_a_download_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_file(*_: Any, **__: Any) -> None:
        raise Exception("URL fetch failure on https://a.b: None -- no network")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    with pytest.raises(RefusedError, match=r"model.weights = 'imagenet' .*no network"):
        classifier(Network(name=SMALL, weights="imagenet"), SIZE, CLASSES)


@once
@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": {"name": "ResNet50"}, "data": {"image_size": 31}}, "image_size"),
        ({"model": {"name": "MobileNet"}, "data": {"image_size": 16}}, "image_size"),
        ({"model": {"name": "resnet50"}}, "model.name"),
        ({"model": {"name": "VGG16"}}, "model.name"),
        ({"training": {"class_weight": "balance"}}, "training.class_weight"),
        ({"training": {"class_weight": True}}, "training.class_weight"),
    ],
)
def test_what_can_not_be_meant_is_refused(content: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named.rpartition(".")[-1]) as refused:
        Config.model_validate(content)
    assert named in str(refused.value)


@once
@pytest.mark.parametrize(
    "content",
    [
        {"model": {"name": "ResNet50"}},
        {"model": {"name": "ResNet50", "dropout": 0.5, "weights": "imagenet"}},
        {"model": {"name": "MobileNet"}, "data": {"image_size": 32}},
        {"model": {"width": 8}, "data": {"image_size": 16}},
        {"training": {"class_weight": "balanced"}},
    ],
)
def test_what_has_an_effect_is_taken(content: dict[str, Any]) -> None:
    Config.model_validate(content)
