"""The report: who is taken for whom, and how well each class is recognised."""

import csv
import json
import math
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fruits.config import Network
from fruits.confusion import Confusion
from fruits.confusion_picture import draw_confusion
from fruits.models import classifier
from fruits.monitor import RATE
from fruits.report import write_report
from fruits.run import FINISHED, Run
from fruits.run_folder import RunFolder
from tests.once import once

pytestmark = once

# Two of three apples are recognised, a lime is taken for an apple and another for a
# plum, which there is none of; nothing is taken for the pear.
CLASSES = ["apple", "lime", "pear", "plum", "quince"]
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 2])
GUESSES = np.array([0, 0, 1, 1, 1, 0, 3, 0])
SHARES = {
    "apple": (3, 2 / 4, 2 / 3, 4 / 7),
    "lime": (4, 2 / 3, 2 / 4, 4 / 7),
    "pear": (1, None, 0.0, 0.0),
    "plum": (0, 0.0, None, None),
    "quince": (0, None, None, None),
}


def confusion() -> Confusion:
    return Confusion(LABELS, GUESSES, CLASSES)


def test_scores_are_shares_and_a_share_of_nothing_is_none() -> None:
    for score in confusion().scores():
        pictures, *shares = SHARES[score.name]
        assert score.pictures == pictures
        assert [score.precision, score.recall, score.f1] == pytest.approx(shares)


def test_the_worst_class_comes_first_and_one_without_pictures_last() -> None:
    names = [score.name for score in confusion().worst()]
    assert names == ["pear", "apple", "lime", "plum", "quince"]


def test_mistakes_are_counted_and_only_mistakes() -> None:
    labels, guesses = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 1, 2, 2])
    found = Confusion(labels, guesses, ["a", "b", "c"])
    assert found.mistakes(3) == [("a", "b", 2), ("b", "c", 1)]
    assert found.mistakes(1) == [("a", "b", 2)]
    assert Confusion(labels, labels, ["a", "b", "c"]).mistakes(3) == []


def test_the_file_of_all_scores_has_empty_cells_where_there_is_no_share(
    tmp_path: Path,
) -> None:
    confusion().write(tmp_path / "classes.csv")
    with (tmp_path / "classes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == CLASSES
    assert [row["recall"] == "" for row in rows] == [False, False, False, True, True]
    assert float(rows[1]["precision"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("size", [2, 3, 13, 50, 51, 1000])
def test_a_picture_of_any_number_of_classes(size: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, size, 3000)
    names = [f"$x^{i}$ of a long name\n{i}" for i in range(size)]
    found = Confusion(
        labels, np.minimum(labels + rng.integers(0, 2, 3000), size - 1), names
    )
    draw_confusion(found, "test", tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as picture:
        assert 1000 < picture.width < 1400
        assert 500 < picture.height < 1400
        # Not blank: the diagonal is dark.
        assert np.asarray(picture.convert("L")).min() < 100


def test_of_many_classes_those_with_mistakes_are_drawn() -> None:
    labels = np.arange(1000)
    guesses = labels.copy()
    guesses[[7, 500]] = 900
    found = Confusion(labels, guesses, [str(i) for i in labels])
    assert {7, 500, 900} <= set(found.most_mistaken(50).tolist())
    assert len(found.most_mistaken(50)) == 50


def a_run(folder: Path, classes: list[str], labels: np.ndarray) -> Run:
    model = classifier(Network(width=4, stages=1), 16, len(classes))
    pictures = np.random.default_rng(0).integers(0, 255, (len(labels), 16, 16, 3))
    one_hot = tf.one_hot(labels, len(classes))
    shown = tf.data.Dataset.from_tensor_slices((pictures.astype(np.uint8), one_hot))
    keys = ("loss", "accuracy", "val_loss", "val_accuracy", "gamma", "learning_rate")
    return Run(
        folder=RunFolder(folder, {}),
        state=FINISHED,
        exit_code=0,
        device="Keras on tensorflow with device:CPU:0",
        model=model,
        classes=classes,
        counts={"train": 10, "validation": len(labels)},
        left_out=[],
        history={key: [0.5, 0.5] for key in (*keys, "data_wait", "seconds", RATE)},
        best_epoch=1,
        scores={"validation": 0.5},
        shown=("validation", shown.batch(4)),
    )


def test_the_report_has_it_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    classes = ["apple", "[bold]lime", "pear"]
    run = a_run(tmp_path, classes, np.array([0, 1, 0, 1, 0, 1, 0]))
    write_report(run)
    # NaN is no JSON, though Python's own reader takes it.
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=fail)
    scores = {score["name"]: score for score in summary["per_class"]}
    assert scores["apple"]["pictures"] == 4
    assert scores["pear"]["recall"] is None
    assert Path(summary["confusion"]).is_file()
    assert (tmp_path / "classes.csv").is_file()
    lines = capsys.readouterr().out.splitlines()
    (pear,) = (line for line in lines if line.startswith("│ pear"))
    assert pear.count("–") >= 2
    assert any(line.startswith("│ [bold]lime") for line in lines)


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        # The first epoch compiles, and of one that goes on there may be no rate.
        ([1.0, 100.0, 300.0], 200.0),
        ([1.0, 100.0, math.nan], 100.0),
        ([1.0], None),
        ([1.0, math.nan], None),
    ],
)
def test_pictures_a_second_are_those_after_the_first_epoch(
    rates: list[float],
    expected: float | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = a_run(tmp_path, ["apple", "lime"], np.array([0, 1]))
    run.history[RATE] = rates
    write_report(run)
    summary = json.loads((tmp_path / "summary.json").read_text(), parse_constant=fail)
    assert summary["pictures_per_second"] == expected
    shown = [
        line for line in capsys.readouterr().out.splitlines() if "a second" in line
    ]
    assert len(shown) == (expected is not None)
    assert all(f" {expected:.0f} " in line for line in shown)


def test_of_many_classes_the_worst_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = [f"class {i}" for i in range(40)]
    write_report(a_run(tmp_path, classes, np.arange(40)))
    text = capsys.readouterr().out
    assert "30 worst of 40 classes" in text
    assert len([line for line in text.splitlines() if "│ class " in line]) == 30
    with (tmp_path / "classes.csv").open() as stream:
        assert len(stream.readlines()) == 41


@pytest.mark.parametrize("largest", [10, 40_000])
def test_a_full_disk_leaves_no_half_a_picture_and_is_named(
    largest: int, tmp_path: Path
) -> None:
    run = a_run(tmp_path, ["apple", "lime"], np.array([0, 1]))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, limits[1]))
    try:
        with pytest.raises(OSError, match="large") as caught:
            write_report(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(tmp_path / "picture.png")
    assert {path.name for path in tmp_path.iterdir()} <= {".lock"}


def fail(constant: str) -> Any:
    raise AssertionError(constant)
