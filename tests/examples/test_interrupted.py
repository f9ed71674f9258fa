"""Runs that are interrupted, and go on as if they had not been."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum  # noqa: F401  Its optimizers are in the models.
from keras_momentum._hyperparameters.plan import Plan
from tests.examples.interrupted import CAPACITY
from tests.examples.times import TIMES

ROOT = Path(__file__).parents[2]
BASE = """
[data]
image_size = 16
train_images = 104
validation_images = 26
test_images = 26
batch_size = 8

[augmentation]
zoom = 0.2
mixup = 0.2

[model]
width = 4
stages = 1
dropout = 0.3

[training]
epochs = 40
"""
RAMP = """
[optimizer]
name = "NAG"
restart_every = 7

[gamma_ramp]
initial = 0.2
final = 0.8
"""
ONE_CYCLE = """
[optimizer]
name = "MomentumAdam"

[one_cycle]
"""


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of runs that nobody interrupts, by their configurations."""
    folders = {}
    for text in (RAMP, ONE_CYCLE):
        folders[text] = tmp_path_factory.mktemp("uninterrupted")
        train(folders[text], text, "SIGKILL", 0)
    return folders


def train(folder: Path, text: str, signal: str, times: int) -> list[int]:
    """Trains to the end; returns the exit codes of all processes."""
    (folder / "run.toml").write_text(BASE + text)
    script = ROOT / "tests" / "examples" / "interrupted.py"
    done = subprocess.run(
        [sys.executable, str(script), "run.toml", "final.npz", signal, str(times)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [int(code) for code in done.stdout.splitlines()[-1].split(",")]


def values(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "final.npz") as content:
        return {name: content[name] for name in content.files if name != "state"}


def only_run(folder: Path) -> Path:
    (run,) = (folder / "runs").iterdir()
    return run


def history(folder: Path) -> list[dict[str, str]]:
    with (only_run(folder) / "history.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    return [{key: row[key] for key in row if key not in TIMES} for row in rows]


def logged(folder: Path) -> list[tuple[str, str, int, float]]:
    """What is in TensorBoard's files, as (part, tag, epoch, value)."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    return sorted(
        (file.parent.name, value.tag, event.step, float(value.tensor.float_val[0]))
        for file in only_run(folder).rglob("events*")
        for event in EventFileLoader(str(file)).Load()
        for value in event.summary.value
        if value.tag.removeprefix("epoch_") not in TIMES
    )


def best(folder: Path) -> list[np.ndarray]:
    """Weights and optimizer; Keras does not save the states of random layers."""
    model = keras.saving.load_model(only_run(folder) / "best.keras")
    variables: list[Any] = [*model.weights, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(each) for each in variables]


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() == "torch",
    reason="on PyTorch fit draws random numbers at moments that can't be repeated",
)
@pytest.mark.parametrize(
    ("text", "signal", "times", "code"),
    [
        (RAMP, "SIGKILL", 20, -9),
        (RAMP, "SIGINT", 4, 130),
        (ONE_CYCLE, "SIGTERM", 4, 143),
    ],
    ids=["SIGKILL", "SIGINT", "SIGTERM"],
)
def test_a_run_that_is_interrupted_ends_as_it_would_have(
    text: str,
    signal: str,
    times: int,
    code: int,
    tmp_path: Path,
    uninterrupted: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Plan, "capacity", CAPACITY)
    codes = train(tmp_path, text, signal, times)
    # Only in the midst of a training is what a signal asks for done later.
    assert codes.count(code) > times / 2
    assert len(codes) > times
    assert codes[-1] == 0
    expected = uninterrupted[text]
    ours, theirs = values(tmp_path), values(expected)
    assert ours.keys() == theirs.keys()
    assert not [name for name in theirs if not np.array_equal(ours[name], theirs[name])]
    assert history(tmp_path) == history(expected)
    assert len(history(tmp_path)) == 40
    assert logged(tmp_path) == logged(expected)
    for one, other in zip(best(tmp_path), best(expected), strict=True):
        np.testing.assert_array_equal(one, other)
    summaries = [
        json.loads((only_run(folder) / "summary.json").read_text())
        for folder in (tmp_path, expected)
    ]
    for key in ("accuracy", "best_epoch", "epochs", "most_confused"):
        assert summaries[0][key] == summaries[1][key]
