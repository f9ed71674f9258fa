"""Comparisons that were killed go on, and end as if they had not been."""

import functools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum.comparison import Comparison, load_comparison
from keras_momentum.comparison import _keeping as keeping
from keras_momentum.comparison._event_files import runs_from_logs
from tests.comparison.killed import candidates, compare
from tests.comparison.problem import TRAINING, compared
from tests.once import once


def results(comparison: Comparison) -> dict[tuple[str, int], Any]:
    return {
        (run.name, run.seed): (run.history, run.steps, run.between, run.hyperparameters)
        for run in comparison.runs
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """The results of an optimizer's run that nobody has killed, by its name."""

    @functools.cache
    def found(name: str) -> Any:
        optimizers = {name: candidates()[name]}
        return results(compare(tmp_path_factory.mktemp(name), optimizers=optimizers))

    return found


class KilledError(Exception):
    """Stands for the signal."""


def kill_after(epoch: int, run: Callable[[], Any]) -> None:
    """Runs a comparison that is killed when an epoch has been kept."""
    keep = keeping.Keeper.on_epoch_end

    def kept_and_killed(self: Any, number: int, logs: Any = None) -> None:
        keep(self, number, logs)
        if number == epoch:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping.Keeper, "on_epoch_end", kept_and_killed)
        with pytest.raises(KilledError):
            run()


@pytest.mark.parametrize(
    ("name", "epoch"),
    [
        ("adam", 2),
        ("ramp", 3),
        *(
            pytest.param(name, epoch, marks=pytest.mark.slow)
            for name in candidates()
            for epoch in (0, 4)
        ),
    ],
)
def test_a_run_goes_on_in_its_middle_bit_for_bit(
    name: str,
    epoch: int,
    whole: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[int] = []
    begin = keeping.Keeper.on_epoch_begin

    def counted(self: Any, number: int, logs: Any = None) -> None:
        begun.append(number)
        begin(self, number, logs)

    expected = whole(name)
    optimizers = {name: candidates()[name]}
    kill_after(epoch, lambda: compare(tmp_path, optimizers=optimizers))
    with (
        pytest.warns(UserWarning, match="not finished"),
        pytest.raises(ValueError, match="must be a folder with finished"),
    ):
        load_comparison(tmp_path)
    monkeypatch.setattr(keeping.Keeper, "on_epoch_begin", counted)
    found = results(compare(tmp_path, optimizers=optimizers))
    assert found == expected
    # On PyTorch it begins anew.
    begins = 0 if keras.backend.backend() == "torch" else epoch + 1
    assert min(begun, default=begins) == begins
    # The logs have no gap and nothing twice.
    (logged,) = runs_from_logs(tmp_path / name / "seed-0", name, 0)
    history, steps, *_ = found[name, 0]
    assert logged.steps == steps
    for key, values in history.items():
        # TensorBoard's callback logs the rate after ReduceLROnPlateau has changed it.
        if key != "learning_rate":
            assert logged.history[key] == pytest.approx(values, rel=1e-6), key


class Augmented(keras.utils.PyDataset):
    """Shuffles itself and adds noise, with random numbers of its own and of NumPy."""

    def __init__(self, seed: int):
        super().__init__()
        self._rng = np.random.default_rng(seed)
        self._order = np.arange(64)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        chosen = self._order[16 * index : 16 * index + 16]
        noise = self._rng.normal() + np.random.normal()
        return TRAINING[0][chosen] + noise, TRAINING[1][chosen]

    def on_epoch_end(self) -> None:
        self._rng.shuffle(self._order)


def shuffled(seed: int) -> Any:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(TRAINING)
    return data.shuffle(64, seed=seed).batch(16)


def endless(seed: int) -> Any:
    batches = Augmented(seed)
    while True:
        yield batches[0]


@pytest.mark.parametrize(
    ("data", "steps"),
    [
        (Augmented, None),
        (shuffled, 3),
        pytest.param(shuffled, None, marks=pytest.mark.slow),
        pytest.param(endless, 5, marks=pytest.mark.slow),
    ],
)
def test_data_go_on_where_they_were(
    data: Any, steps: int | None, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {
        "train_data": data,
        "optimizers": {"ramp": candidates()["ramp"]},
        "steps_per_epoch": steps,
        "epochs": 4,
    }
    kill_after(1, lambda: compare(tmp_path / "killed", **arguments))
    resumed = compare(tmp_path / "killed", **arguments)
    whole = compare(tmp_path / "whole", **arguments)
    assert results(resumed) == results(whole)
    (one,), (two,) = resumed.runs, whole.runs
    assert one.made_of == two.made_of
    assert len(set(one.made_of["batches"])) == 4


def test_a_damaged_checkpoint_lets_a_run_begin_anew(
    whole: Callable[[str], Any], tmp_path: Path
) -> None:
    optimizers = {"ramp": candidates()["ramp"]}
    kill_after(0, lambda: compare(tmp_path, optimizers=optimizers))
    files = list(tmp_path.rglob("checkpoint.npz"))
    assert bool(files) == (keras.backend.backend() != "torch")
    for file in files:
        os.truncate(file, 500)
    found = results(compare(tmp_path, optimizers=optimizers))
    assert found == whole("ramp")


def test_a_checkpoint_of_something_else_is_not_taken(tmp_path: Path) -> None:
    optimizers = {"ramp": candidates()["ramp"]}
    kill_after(0, lambda: compare(tmp_path / "one", optimizers=optimizers))
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
