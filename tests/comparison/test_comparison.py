"""What a comparison says of runs."""

import csv
import math
import re
from pathlib import Path

import pytest
from PIL import Image

from keras_momentum.comparison import Comparison, Run
from keras_momentum.comparison._metrics import default_metric
from keras_momentum.comparison._run_folder import RunFolder
from tests.comparison.problem import runs_of


def comparison_of(**runs: list[Run]) -> Comparison:
    return Comparison(
        [run for each in runs.values() for run in each], "val_accuracy", target=0.4
    )


def test_rows_have_the_figures_of_the_runs_the_best_first() -> None:
    comparison = comparison_of(
        low=runs_of("low", [0.3, 0.5, 0.4]), high=runs_of("high", [0.7, 0.9, 0.8])
    )
    high, low = comparison.rows()
    assert (high.name, low.name) == ("high", "low")
    assert high.final.mean == pytest.approx(0.8)
    assert high.final.half_width == pytest.approx(4.302653 * 0.1 / math.sqrt(3))
    assert high.best == 0.9
    # 0.45 and 0.4 after the first epoch, 0.35 after the second.
    assert high.reached == 3
    assert high.steps_to_target == pytest.approx((20 + 10 + 10) / 3)
    assert high.seconds_to_target == pytest.approx((2 + 1 + 1) / 3)
    assert low.reached == 2
    assert low.steps_to_target == 20
    assert high.first_step_seconds == 0.5


def test_a_metric_to_be_low_turns_the_order_round() -> None:
    runs = runs_of("a", [0.3, 0.3]) + runs_of("b", [0.7, 0.7])
    for run in runs:
        run.history["val_loss"] = run.history["val_accuracy"]
    assert Comparison(runs, "val_loss").rows()[0].name == "a"
    assert Comparison(runs, "val_accuracy").rows()[0].name == "b"
    assert Comparison(runs, "val_accuracy", mode="min").rows()[0].name == "a"


def test_fewer_than_three_seeds_resolve_nothing() -> None:
    comparison = comparison_of(a=runs_of("a", [0.1, 0.2]), b=runs_of("b", [0.8, 0.9]))
    assert comparison.verdict() == (
        "Differences are not resolved: 2 seeds; take at least 3."
    )


def test_pairs_that_differ_are_named_with_the_test() -> None:
    comparison = comparison_of(
        a=runs_of("a", [0.80, 0.85, 0.90, 0.87]),
        b=runs_of("b", [0.30, 0.36, 0.39, 0.38]),
        c=runs_of("c", [0.81, 0.82, 0.91, 0.86]),
    )
    assert comparison.verdict().splitlines() == [
        "Better than (paired t-test, Holm's correction, 4 seeds, p < 0.05):",
        "  a: b",
        "  c: b",
        "The other 1 of 3 pairs do not differ.",
    ]


def test_no_difference_is_said() -> None:
    comparison = comparison_of(
        a=runs_of("a", [0.1, 0.9, 0.5]), b=runs_of("b", [0.9, 0.1, 0.6])
    )
    assert comparison.verdict().startswith("No two optimizers differ (paired t-test")


def test_seeds_that_make_no_difference_are_noticed() -> None:
    comparison = comparison_of(
        a=runs_of("a", [0.5, 0.5, 0.5]), b=runs_of("b", [0.6, 0.6, 0.6])
    )
    assert "every seed gave the same result" in comparison.verdict()


def test_a_diverged_run_is_reported_and_not_averaged() -> None:
    runs = runs_of("a", [0.5, 0.7, 0.1])
    runs[2].history["loss"][-1] = math.nan
    comparison = comparison_of(a=runs, b=runs_of("b", [0.1, 0.2, 0.3]))
    row = next(row for row in comparison.rows() if row.name == "a")
    assert row.diverged == 1
    assert row.final.mean == pytest.approx(0.6)
    assert "a: 1 of 3 runs diverged" in comparison.verdict()
    assert "(1 of 3 diverged)" in str(comparison)


def test_table_csv_and_picture_hold_the_same(tmp_path: Path) -> None:
    comparison = comparison_of(
        a=runs_of("a", [0.5, 0.6, 0.7]), b=runs_of("b", [0.1, 0.2, 0.3])
    )
    assert "0.6 ± 0.2484" in str(comparison)
    comparison.to_csv(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["a", "b"]
    assert float(rows[0]["final_mean"]) == pytest.approx(0.6)
    assert float(rows[0]["final_half_width"]) == pytest.approx(0.248413, rel=1e-5)
    comparison.draw(tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as picture:
        assert picture.width > 1000


@pytest.mark.parametrize("target", [None, 0.4])
def test_each_cell_of_the_table_stands_under_its_title(target: float | None) -> None:
    runs = runs_of("high", [0.7, 0.9, 0.8])
    table = str(Comparison(runs, "val_accuracy", target=target))
    titles, values = [
        [cell.strip() for cell in re.split("[│┃]", line) if cell.strip()]
        for line in table.splitlines()
        if "│" in line or "┃" in line
    ]
    expected = {
        "optimizer": "high",
        "val_accuracy, mean ± 95 %": "0.8 ± 0.2484",
        "best": "0.9",
        "first step, s": "0.5",
    }
    if target:
        expected |= {"steps to 0.4": "13", "seconds to 0.4": "1.33"}
    assert dict(zip(titles, values, strict=True)) == expected


@pytest.mark.parametrize(
    ("logs", "expected"),
    [
        (["loss", "accuracy", "val_loss", "val_accuracy"], "val_accuracy"),
        (["val_loss", "val_auc", "val_accuracy", "loss"], "val_auc"),
        (["val_a_loss", "val_b_loss", "val_loss", "loss"], "val_loss"),
        (["accuracy", "loss", "val_loss"], "val_loss"),
        (["accuracy", "loss"], "loss"),
    ],
)
def test_runs_are_judged_by_a_metric_of_the_validation(
    logs: list[str], expected: str
) -> None:
    assert default_metric(logs) == expected


def test_without_a_loss_the_metric_is_asked_for() -> None:
    with pytest.raises(ValueError, match="`metric` must be one of g_loss, as there"):
        default_metric(["g_loss"])


@pytest.mark.parametrize("metric", ["val_accuracy", "val_error", "val_f1_loss"])
def test_a_direction_is_not_guessed_from_a_name(metric: str) -> None:
    runs = runs_of("a", [0.5], directions={})
    for run in runs:
        run.history[metric] = [0.1, 0.2]
    with pytest.raises(ValueError, match='`mode` must be "min" or "max", as it is not'):
        Comparison(runs, metric)
    assert Comparison(runs, metric, "min").mode == "min"


def test_an_unknown_metric_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="must be one of loss, val_accuracy"):
        Comparison(runs_of("a", [0.5]), "val_acc")
    with pytest.raises(ValueError, match="Argument `mode` must be"):
        Comparison(runs_of("a", [0.5]), "val_accuracy", mode="up")
    with pytest.raises(ValueError, match="Argument `runs` must have"):
        Comparison([], "loss")


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    (run,) = runs_of("a", [math.inf], hyperparameters={"gamma": 0.9})
    run.history["val_auc"] = [None, 0.5]
    folder = RunFolder(tmp_path, "a", 0)
    folder.begin()
    assert folder.is_unfinished
    folder.end(run)
    assert folder.read() == run
    assert not folder.is_unfinished
