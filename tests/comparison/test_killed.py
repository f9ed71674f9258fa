"""Comparisons that were killed go on, and end as if they had not been."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from keras_momentum.comparison import Comparison, load_comparison
from keras_momentum.comparison import _keeping as keeping
from keras_momentum.comparison._event_files import runs_from_logs
from tests.comparison.killed import candidates, compare
from tests.comparison.problem import compared
from tests.once import once


def results(comparison: Comparison) -> dict[tuple[str, int], Any]:
    return {
        (run.name, run.seed): (run.history, run.steps, run.between, run.hyperparameters)
        for run in comparison.runs
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of a comparison that nobody has killed."""
    return results(compare(tmp_path_factory.mktemp("whole")))


class KilledError(Exception):
    """Stands for the signal."""


@pytest.mark.parametrize(
    "epoch", [2, *(pytest.param(each, marks=pytest.mark.slow) for each in (0, 4))]
)
def test_a_run_goes_on_in_its_middle_bit_for_bit(
    epoch: int, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = keeping.Keeper.on_epoch_end

    def kept_and_killed(self: Any, number: int, logs: Any = None) -> None:
        keep(self, number, logs)
        if number == epoch:
            raise KilledError

    begun: list[int] = []
    begin = keeping.Keeper.on_epoch_begin

    def counted(self: Any, number: int, logs: Any = None) -> None:
        begun.append(number)
        begin(self, number, logs)

    optimizers = candidates()
    for name, candidate in optimizers.items():
        monkeypatch.setattr(keeping.Keeper, "on_epoch_end", kept_and_killed)
        with pytest.raises(KilledError):
            compare(tmp_path, optimizers={name: candidate})
        with pytest.raises(ValueError, match="must be a folder with finished"):
            load_comparison(tmp_path / name)
    monkeypatch.setattr(keeping.Keeper, "on_epoch_end", keep)
    monkeypatch.setattr(keeping.Keeper, "on_epoch_begin", counted)
    assert results(compare(tmp_path, optimizers=optimizers)) == whole
    assert min(begun, default=epoch + 1) == epoch + 1
    # The logs have no gap and nothing twice.
    for (name, seed), (history, steps, *_) in whole.items():
        (logged,) = runs_from_logs(tmp_path / name / f"seed-{seed}", name, seed)
        assert logged.steps == steps
        # TensorBoard's callback logs the rate after ReduceLROnPlateau has changed it.
        for key, values in ((k, v) for k, v in history.items() if k != "learning_rate"):
            assert logged.history[key] == pytest.approx(values, rel=1e-6), key


def test_a_damaged_checkpoint_lets_a_run_begin_anew(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = keeping.Keeper.on_epoch_end

    def kept_and_killed(self: Any, number: int, logs: Any = None) -> None:
        keep(self, number, logs)
        raise KilledError

    optimizers = {"ramp": candidates()["ramp"]}
    monkeypatch.setattr(keeping.Keeper, "on_epoch_end", kept_and_killed)
    with pytest.raises(KilledError):
        compare(tmp_path, optimizers=optimizers)
    monkeypatch.setattr(keeping.Keeper, "on_epoch_end", keep)
    (file,) = tmp_path.rglob("checkpoint.npz")
    os.truncate(file, 500)
    found = results(compare(tmp_path, optimizers=optimizers))
    assert found["ramp", 0] == whole["ramp", 0]


def test_a_checkpoint_of_something_else_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = keeping.Keeper.on_epoch_end

    def kept_and_killed(self: Any, number: int, logs: Any = None) -> None:
        keep(self, number, logs)
        raise KilledError

    optimizers = {"ramp": candidates()["ramp"]}
    monkeypatch.setattr(keeping.Keeper, "on_epoch_end", kept_and_killed)
    with pytest.raises(KilledError):
        compare(tmp_path / "one", optimizers=optimizers)
    monkeypatch.setattr(keeping.Keeper, "on_epoch_end", keep)
    found = results(compare(tmp_path / "one", optimizers=optimizers, batch_size=8))
    fresh = results(compare(tmp_path / "two", optimizers=optimizers, batch_size=8))
    assert found == fresh


def started(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.comparison.killed", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@once
@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    moments = random.Random(0)
    for _ in range(6):
        process = started(tmp_path / "killed")
        while process.poll() is None and not (tmp_path / "killed" / "adam").exists():
            time.sleep(0.05)
        time.sleep(moments.uniform(0.0, 6.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    process = started(tmp_path / "killed")
    output, _ = process.communicate()
    assert process.returncode == 0, output
    arguments: dict[str, Any] = {"optimizers": candidates(), "epochs": 7}
    expected = results(compared(tmp_path / "whole", **arguments))
    assert results(load_comparison(tmp_path / "killed")) == expected


@once
@pytest.mark.slow
def test_two_processes_share_the_runs_and_end_with_one_table(tmp_path: Path) -> None:
    both = [started(tmp_path / "shared") for _ in range(2)]
    for process in both:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    found = load_comparison(tmp_path / "shared")
    assert len(found.runs) == 10
    arguments: dict[str, Any] = {"optimizers": candidates(), "epochs": 7}
    expected = compared(tmp_path / "alone", **arguments)
    assert results(found) == results(expected)
    for run in found.runs:
        folder = tmp_path / "shared" / run.name / f"seed-{run.seed}"
        assert len(list((folder / "train").iterdir())) == 1
