"""The training script, as a person runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from PIL import Image

import keras_momentum
from tests.once import once

# Each test starts processes.
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "train_fruits.py"
TINY = """
[data]
image_size = 32
train_images = 104
validation_images = 26
test_images = 26

[model]
width = 4
stages = 2

[gamma_ramp]
initial = 0.2
final = 0.8

[training]
epochs = 2
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def only_folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


def test_a_run_leaves_all_its_results(config: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    result = run(tmp_path, "tiny.toml")
    assert result.returncode == 0, result.stderr
    folder = only_folder(tmp_path)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["epochs"] == 2
    assert set(summary["accuracy"]) == {"validation", "test"}
    assert 0 <= summary["data_wait"] <= 1
    last = result.stdout.strip().splitlines()[-1]
    assert last.startswith("Picture: ")
    with Image.open(tmp_path / last.removeprefix("Picture: ")) as picture:
        assert picture.width > 800
    model = keras.saving.load_model(folder / "best.keras")
    assert isinstance(model.optimizer, keras_momentum.Momentum)
    tags = {
        value.tag
        for file in folder.rglob("events*")
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
    }
    assert {"epoch_gamma", "epoch_loss", "epoch_learning_rate"} <= tags
    rows = (folder / "history.csv").read_text().splitlines()
    gamma = rows[0].split(",").index("gamma")
    values = [float(row.split(",")[gamma]) for row in rows[1:]]
    assert values == pytest.approx([0.5, 0.8], rel=1e-5)


@once
def test_mixed_precision_is_one_switch(config: Path, tmp_path: Path) -> None:
    arguments = ("tiny.toml", "--training.precision", "mixed_float16")
    result = run(tmp_path, *arguments, "--training.epochs=1")
    assert result.returncode == 0, result.stderr
    assert "mixed_float16" in result.stdout


@once
def test_a_broken_photo_is_named_at_the_end(config: Path, tmp_path: Path) -> None:
    for name, colour in (("apple", "red"), ("lime", "green")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            picture = Image.new("RGB", (40 + i, 50), colour)
            picture.save(tmp_path / "photos" / name / f"{i}.jpg")
    (tmp_path / "photos" / "lime" / "half.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    result = run(
        tmp_path,
        "tiny.toml",
        "--data.source=folder",
        "--data.path=photos",
        "--data.batch_size=4",
        "--training.epochs=1",
    )
    assert result.returncode == 0, result.stderr
    assert "lime/half.jpg" in result.stdout


@once
@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        (
            "[optimizer]\nmomentun = 0.9",
            [],
            "tiny.toml: optimizer.momentun: unknown key (did you mean "
            "optimizer.momentum?)",
        ),
        ('[data]\nbatch_size = "32"', [], "tiny.toml: data.batch_size: "),
        ("[optimizer]\nmomentum = 1.5", [], "tiny.toml: optimizer.momentum: "),
        ("[data]\nsource = 'fruit'", [], "tiny.toml: data.source: "),
        ("training = 3", [], "tiny.toml: training: "),
        ("data = ", [], "tiny.toml: it is not TOML: "),
        ("", ["--optimizer.momentum", "2.0"], "command line: optimizer.momentum: "),
        ("", ["--training.epochs", "ten"], "command line: training.epochs: "),
        ("", ["--optimiser.momentum", "0.9"], "command line: --optimiser.momentum: "),
        ("", ["--training.epochs"], "command line: argument --training.epochs: "),
        ("", ["--data.source=folder", "--data.path=no"], "tiny: data.path: no does"),
        ("", ["--data.source=grocery"], "tiny: data.path: "),
        (None, [], "tiny.toml: it can't be read: "),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    text: str | None, arguments: list[str], expected: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "tiny.toml").write_text(text)
    result = run(tmp_path, "tiny.toml", *arguments)
    assert result.returncode == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith(expected)


def test_no_backend_says_anything_beside_the_sentence(
    config: Path, tmp_path: Path
) -> None:
    result = run(tmp_path, "tiny.toml", "--data.source=folder", "--data.path=no")
    assert result.stderr == "tiny: data.path: no does not exist\n"


@once
def test_help_lists_the_keys_and_does_not_wait_for_tensorflow() -> None:
    code = (
        "import runpy, sys; sys.argv = ['train_fruits.py', '--help']\n"
        "try:\n    runpy.run_path(sys.argv[0] and sys.path[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('imported', [m for m in ('tensorflow', 'keras') if m in sys.modules])"
    ).replace("sys.argv[0] and sys.path[0]", repr(str(SCRIPT)))
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[0] = {str(SCRIPT.parent)!r}\n{code}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--optimizer.momentum VALUE" in result.stdout
    assert "imported []" in result.stdout
