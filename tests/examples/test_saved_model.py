"""The saved classifier: one file with all that it needs; nothing else passes for it."""

import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
import predict_fruits
from fruits.errors import RefusedError
from fruits.readable import readable
from fruits.saved_model import load_model, save_model
from tests.examples.broken_files import BROKEN, broken
from tests.examples.classifiers import CLASSES, SIZE, network, picture
from tests.once import once

ROOT = Path(__file__).parents[2]


@once
@pytest.mark.parametrize(
    "classes",
    [["apple", "lime"], ["a b", "ü, ö", "c:d"], ["two\nlines", "", "[red]x[/red]"]],
)
def test_names_come_back_as_they_were(
    classes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_model(network(len(classes)), classes, tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").classes == classes
    picture(0).save(tmp_path / "one.jpg")
    capsys.readouterr()
    files = [str(tmp_path / "model.keras"), str(tmp_path / "one.jpg")]
    assert predict_fruits.main(files) == 0
    (line,) = capsys.readouterr().out.splitlines()
    for name in classes:
        assert readable(name) in line


@once
def test_the_memory_of_the_gpu_is_shared_before_the_weights_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow can't be told afterwards, and would raise an error."""
    save_model(network(), CLASSES, tmp_path / "model.keras")
    picture(0).save(tmp_path / "one.jpg")
    order = []

    def share(*_: Any) -> None:
        order.append("share")

    def load(*arguments: Any, **options: Any) -> keras.Model:
        order.append("load")
        return load_weights(*arguments, **options)

    load_weights = keras.saving.load_model
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [kind],
        set_visible_devices=share,
        experimental=SimpleNamespace(set_memory_growth=share),
    )
    monkeypatch.setattr("fruits.devices.tf", SimpleNamespace(config=config))
    monkeypatch.setattr(keras.saving, "load_model", load)
    files = [str(tmp_path / "model.keras"), str(tmp_path / "one.jpg")]
    assert predict_fruits.main(files) == 0
    assert order == ["share", "load"]


def archive_without(entry: str, source: Path, file: Path, **added: str) -> None:
    """A copy of an archive without an entry, with others."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            if name != entry:
                new.writestr(name, old.read(name))
        for name, content in added.items():
            new.writestr(name.replace("__", "/").replace("_json", ".json"), content)


def write_model(kind: str, folder: Path, best: Path) -> Path:
    """A file that is no classifier of ours."""
    file = folder / "model.keras"
    names = "assets/classes.json"
    content = best.read_bytes()
    if kind in BROKEN:
        file = broken(kind, file, best)
    elif kind == "a picture":
        file = folder / "model.jpg"
        picture(0).save(file)
    elif kind == "without the names":
        network().save(file)
    elif kind == "names that are no list":
        archive_without(names, best, file, assets__classes_json='{"a": 1}')
    elif kind == "names that are numbers":
        archive_without(names, best, file, assets__classes_json="[1, 2, 3, 4]")
    elif kind == "names that are no JSON":
        archive_without(names, best, file, assets__classes_json="apple")
    elif kind == "too few names":
        save_model(network(), CLASSES[:2], file)
    elif kind == "too many names":
        save_model(network(), [*CLASSES, "kiwi"], file)
    elif kind == "without weights":
        archive_without("model.weights.h5", best, file)
    elif kind == "without a configuration":
        archive_without("config.json", best, file)
    elif kind == "one changed byte of the weights":
        with zipfile.ZipFile(best) as archive:
            entry = archive.getinfo("model.weights.h5")
        middle = entry.header_offset + entry.file_size // 2
        changed = bytes([content[middle] ^ 255])
        file.write_bytes(content[:middle] + changed + content[middle + 1 :])
    else:
        shape = {
            "grey pictures": (SIZE, SIZE, 1),
            "no pictures": (7,),
            "oblong pictures": (SIZE, 2 * SIZE, 3),
            "pictures of any size": (None, None, 3),
            "channels first": (3, SIZE, SIZE),
            "two inputs": (SIZE, SIZE, 3),
            "pictures as output": (SIZE, SIZE, 3),
        }[kind]
        x = keras.Input(shape)
        flat = keras.layers.GlobalMaxPooling2D()(x) if len(shape) == 3 else x
        y: Any = keras.layers.Dense(4)(flat)
        if kind == "pictures as output":
            y = x
        inputs: Any = [x, keras.Input((3,))] if kind == "two inputs" else x
        save_model(keras.Model(inputs, y), CLASSES, file)
    return file


@once
@pytest.mark.parametrize(
    "kind",
    [
        *BROKEN,
        "a picture",
        "without the names",
        "names that are no list",
        "names that are numbers",
        "names that are no JSON",
        "too few names",
        "too many names",
        "without weights",
        "without a configuration",
        "one changed byte of the weights",
        "grey pictures",
        "no pictures",
        "oblong pictures",
        "pictures of any size",
        "channels first",
        "two inputs",
        "pictures as output",
    ],
)
def test_an_unusable_model_is_refused_in_a_sentence(
    kind: str, tmp_path: Path, best: Path
) -> None:
    file = write_model(kind, tmp_path, best)
    with pytest.raises(RefusedError) as refused:
        predict_fruits.main([str(file), "picture.jpg"])
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


@once
def test_a_save_that_fails_leaves_the_model_that_was_there(
    best: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "best.keras"
    file.write_bytes(best.read_bytes())

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(zipfile.ZipFile, "writestr", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_model(network(), CLASSES, file)
    assert file.read_bytes() == best.read_bytes()
    assert list(tmp_path.iterdir()) == [file]


@once
@pytest.mark.slow
def test_code_of_the_export_runs_as_it_stands(
    best: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of a model that our optimizer has trained."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "best.keras").write_bytes(best.read_bytes())
    text = (ROOT / "examples" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    pictures = np.stack([np.asarray(picture(i, (SIZE, SIZE))) for i in range(3)])
    names: dict[str, Any] = {"pictures": pictures.astype(np.float32)}
    exec(code, names)
    model = keras.saving.load_model(best)
    assert isinstance(model.optimizer, keras_momentum.Momentum)
    expected = keras.ops.softmax(model.predict(pictures, verbose=0))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(names["probabilities"], expected, atol=1e-5)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == CLASSES[int(np.argmax(expected[0]))]
