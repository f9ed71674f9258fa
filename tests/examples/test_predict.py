"""Naming the fruit: from the saved model alone, in agreement with the training."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import predict_fruits
from fruits.config import Config
from fruits.data import FruitData
from fruits.errors import RefusedError
from fruits.images import BrokenImageError
from fruits.prediction import predictions
from fruits.readable import readable
from fruits.saved_model import load_model, save_model
from tests.examples.classifiers import CLASSES, SIZE, network, picture
from tests.once import once

ROOT = Path(__file__).parents[2]


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
def test_a_model_that_has_diverged_names_no_fruit(tmp_path: Path) -> None:
    model = network()
    logits = model.get_layer("logits")
    logits.set_weights([np.nan * weight for weight in logits.get_weights()])
    save_model(model, CLASSES, tmp_path / "model.keras")
    picture(0).save(tmp_path / "one.jpg")
    with pytest.raises(RefusedError, match="diverged"):
        predict_fruits.main([str(tmp_path / "model.keras"), str(tmp_path / "one.jpg")])


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
