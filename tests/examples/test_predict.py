"""Naming the fruit: from the saved model alone, in agreement with the training."""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import keras_momentum
import predict_fruits
from fruits.config import Config, Network
from fruits.data import FruitData
from fruits.errors import RefusedError
from fruits.images import BrokenImageError
from fruits.models import classifier
from fruits.prediction import predictions
from fruits.readable import readable
from fruits.saved_model import load_model, save_model
from tests.once import once

ROOT = Path(__file__).parents[2]
SIZE = 32
CLASSES = ["apple", "lime", "passion fruit", "plum"]


def picture(seed: int, size: tuple[int, int] = (50, 40), mode: str = "RGB") -> Any:
    """A picture with coarse and fine structure."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8)).resize(size)
    noise = rng.integers(-20, 20, (size[1], size[0], 3))
    values = np.clip(np.asarray(coarse, int) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(values).convert(mode)


def network(classes: int = len(CLASSES)) -> keras.Model:
    """A classifier that sees a difference between any two pictures."""
    keras.utils.set_random_seed(1)
    model = classifier(Network(width=4, stages=2), SIZE, classes)
    pictures = np.stack([np.asarray(picture(i, (SIZE, SIZE))) for i in range(16)])
    found = keras.ops.convert_to_numpy(model(pictures))
    mean, deviation = found.mean(axis=0), found.std(axis=0)
    last = model.get_layer("logits")
    last.set_weights([last.get_weights()[0] * 2 / deviation, -mean * 2 / deviation])
    return model


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


def predicted(capsys: pytest.CaptureFixture[str], *arguments: Any) -> Any:
    """The exit code, and the lines on stdout and on stderr."""
    capsys.readouterr()
    code = predict_fruits.main([str(argument) for argument in arguments])
    return code, *(text.splitlines() for text in capsys.readouterr())


def test_the_three_likeliest_classes_of_each_picture(
    best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a fruit.jpg"
    picture(0).save(file)
    (probabilities,) = predictions(load_model(best), [file])
    assert isinstance(probabilities, np.ndarray)
    assert probabilities.sum() == pytest.approx(1)
    order = np.argsort(-probabilities)[:3]
    expected = ", ".join(f"{CLASSES[i]} {probabilities[i]:.1%}" for i in order)
    code, lines, complaints = predicted(capsys, best, file)
    assert code == 0
    assert [line.replace(" %", "%") for line in lines] == [f"{file}: {expected}"]
    assert complaints == []


@once
def test_a_prediction_is_what_the_training_sees_in_the_same_picture(
    best: Path, tmp_path: Path
) -> None:
    """Down to the last pixel: the same decoder, the same crop, the same size."""
    photos = tmp_path / "photos"
    kinds = [("RGB", "jpg"), ("L", "png"), ("RGB", "png"), ("CMYK", "jpg")]
    sizes = [(50, 40), (31, 200), (300, 120), (32, 32), (7, 9)]
    for number, name in enumerate(sorted(CLASSES)):
        for split, offset in (("train", 0), ("val", 100)):
            folder = photos / split / name
            folder.mkdir(parents=True)
            for i, size in enumerate(sizes):
                mode, suffix = kinds[(number + i) % 4]
                one = picture(offset + 10 * number + i, size, mode)
                one.save(folder / f"{i}.{suffix}")
    config = Config.model_validate(
        {
            "data": {
                "source": "folder",
                "path": str(photos),
                "image_size": SIZE,
                "cache_dir": str(tmp_path / "cache"),
            }
        }
    )
    saved = load_model(best)
    batches = FruitData(config).evaluation()["validation"]
    trained = keras.ops.softmax(saved.model.predict(batches, verbose=0))
    files = [path for path in (photos / "val").rglob("*") if path.is_file()]
    found = np.stack(list(predictions(saved, files)))  # type: ignore[arg-type]
    assert found.shape == (20, 4)
    # The data set has an order of its own.
    trained = keras.ops.convert_to_numpy(trained)
    trained, found = (each[np.argsort(each[:, 0])] for each in (trained, found))
    assert len(np.unique(found[:, 0].round(3))) > 10
    np.testing.assert_allclose(found, trained, atol=1e-5)


def image_files(folder: Path) -> dict[str, str]:
    """What people give by mistake, and how the line about it begins."""
    files = {
        "text.jpg": b"no picture",
        "empty.png": b"",
        "half.jpg": b"\xff\xd8\xff\xe0 half",
        "page.html": b"<html></html>",
        "pages.pdf": b"%PDF-1.4",
        "model.keras": b"PK\x03\x04",
        "zeros.bmp": bytes(200),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "without").mkdir()
    (folder / "without" / "notes.txt").write_text("apples")
    (folder / "without" / ".hidden.jpg").write_bytes(b"")
    (folder / "link.jpg").symlink_to(folder / "nowhere.jpg")
    return {
        **dict.fromkeys(files, ""),
        "missing.jpg": "it can't be opened: ",
        "link.jpg": "it can't be opened: ",
        "without": "there is no picture in it",
        300 * "long": "it can't be opened: ",
        "two\nlines.jpg": "it can't be opened: ",
        "\udcff.jpg": "it can't be opened: ",
    }


@once
def test_what_is_no_picture_is_a_line_and_the_others_are_predicted(
    best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").mkdir()
    for i in range(3):
        picture(i).save(tmp_path / "good" / f"{i}.jpg")
    good = [tmp_path / "good" / f"{i}.jpg" for i in range(3)]
    wrong = image_files(tmp_path)
    names = [tmp_path / name for name in wrong]
    mixed = [good[0], *names[:6], good[1], *names[6:], good[2]]
    code, lines, complaints = predicted(capsys, best, *mixed)
    assert code == 1
    assert [line.partition(": ")[0] for line in lines] == list(map(str, good))
    assert len(complaints) == len(wrong)
    for name, beginning in wrong.items():
        shown = readable(tmp_path / name)
        (line,) = (line for line in complaints if line.startswith(f"{shown}: "))
        assert line.removeprefix(f"{shown}: ").startswith(beginning)


@once
def test_an_address_is_no_file(best: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines, complaints = predicted(capsys, best, "https://fruits.org/apple.jpg")
    assert (code, lines) == (1, [])
    assert complaints == [f"https:/fruits.org/apple.jpg: {predict_fruits.ADDRESS}"]


@once
def test_a_folder_is_all_pictures_below_it(
    best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = ["a.JPG", "b/c.png", "b/d/e.webp", "ümlaut.jpg"]
    for i, name in enumerate([*kept, ".hidden/f.jpg", "b/.g.jpg"]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture(i).save(tmp_path / name)
    (tmp_path / "b" / "notes.txt").write_text("apples")
    code, lines, complaints = predicted(capsys, best, tmp_path)
    assert (code, complaints) == (0, [])
    shown = [line.partition(": ")[0] for line in lines]
    assert sorted(shown) == sorted(str(tmp_path / name) for name in kept)


@once
def test_a_picture_can_come_from_stdin(
    best: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    picture(0).save(content, "JPEG")
    content.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    code, lines, _ = predicted(capsys, best, "-")
    assert code == 0
    assert lines[0].startswith("-: ")


@once
def test_many_pictures_are_read_a_batch_at_a_time(best: Path) -> None:
    asked = 0

    def sources() -> Iterator[bytes]:
        nonlocal asked
        for seed in range(100):
            asked += 1
            content = io.BytesIO()
            picture(seed % 7).save(content, "JPEG")
            yield b"" if seed == 50 else content.getvalue()

    found = []
    for each in predictions(load_model(best), sources()):
        found.append(each)
        assert asked <= len(found) + 31
    assert len(found) == 100
    assert isinstance(found[50], BrokenImageError)
    # What stands beside a picture in its batch does not matter.
    np.testing.assert_allclose(found[98], found[0], rtol=1e-4)  # type: ignore[arg-type]


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
    code, lines, _ = predicted(capsys, tmp_path / "model.keras", tmp_path / "one.jpg")
    assert (code, len(lines)) == (0, 1)
    for name in classes:
        assert readable(name) in lines[0]


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
    if kind == "a missing file":
        return file
    if kind == "a folder":
        file.mkdir()
    elif kind == "a picture":
        file = folder / "model.jpg"
        picture(0).save(file)
    elif kind == "another ending":
        file = folder / "model.h5"
        file.write_bytes(content)
    elif kind == "an empty file":
        file.touch()
    elif kind == "text":
        file.write_text("model")
    elif kind == "half of a file":
        file.write_bytes(content[: len(content) // 2])
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
        "a missing file",
        "a folder",
        "a picture",
        "another ending",
        "an empty file",
        "text",
        "half of a file",
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
def test_a_model_that_has_diverged_names_no_fruit(tmp_path: Path) -> None:
    model = network()
    logits = model.get_layer("logits")
    logits.set_weights([np.nan * weight for weight in logits.get_weights()])
    save_model(model, CLASSES, tmp_path / "model.keras")
    picture(0).save(tmp_path / "one.jpg")
    with pytest.raises(RefusedError, match="diverged"):
        predict_fruits.main([str(tmp_path / "model.keras"), str(tmp_path / "one.jpg")])


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


def start(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@once
@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_other_backends_see_the_same(
    backend: str, best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3):
        picture(i).save(tmp_path / f"{i}.jpg")
    code, lines, _ = predicted(capsys, best, tmp_path)
    script = str(ROOT / "examples" / "predict_fruits.py")
    result = start(script, str(best), str(tmp_path), KERAS_BACKEND=backend)
    assert (result.returncode, code) == (0, 0), result.stderr
    assert result.stdout.splitlines() == lines


@once
@pytest.mark.slow
def test_the_file_can_be_loaded_where_nothing_of_ours_is(best: Path) -> None:
    code = (
        "import sys; sys.modules['keras_momentum'] = sys.modules['fruits'] = None\n"
        "import keras\n"
        "model = keras.saving.load_model(sys.argv[1], compile=False)\n"
        "print(model.output_shape)"
    )
    result = start("-c", code, str(best))
    assert result.stdout.splitlines() == ["(None, 4)"], result.stderr


@once
@pytest.mark.slow
def test_the_command_line(best: Path, tmp_path: Path) -> None:
    """Its exit codes, one line where it refuses, and --help at once."""
    script = str(ROOT / "examples" / "predict_fruits.py")
    refused = start(script, str(tmp_path / "none.keras"), "a.jpg")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("MODEL must be a file that ends")
    assert "Traceback" not in refused.stderr
    code = (
        f"import runpy, sys; sys.path[0] = {str(ROOT / 'examples')!r}\n"
        "sys.argv = ['predict_fruits.py', '--help']\n"
        f"try:\n    runpy.run_path({script!r}, run_name='__main__')\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, [m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    assert start("-c", code).stdout.splitlines()[-1] == "0 []"


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
