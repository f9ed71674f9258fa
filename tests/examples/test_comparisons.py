"""The scripts that compare and sweep, as a person runs them."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.once import once

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TINY = (
    *("--data.image_size=16", "--data.train_images=104", "--data.cache_dir=data"),
    *("--data.validation_images=26", "--data.test_images=26", "--model.width=2"),
    *("--model.stages=1", "--training.epochs=1"),
)


def started(folder: Path, script: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "150"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, script: str, *arguments: str) -> str:
    process = started(folder, script, *arguments)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


@pytest.mark.slow
@once
def test_own_model_to_gamma_and_its_rate_in_under_15_lines(tmp_path: Path) -> None:
    script = EXAMPLES / "which_momentum.py"
    lines = script.read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) < 15
    output = run(tmp_path, script.name)
    assert output.count("│  0.99 │") == 6
    assert "300 steps" in output
    assert "plain gradient descent at its own best rate" in " ".join(output.split())
    assert (tmp_path / "which_momentum.png").exists()
    assert any((tmp_path / "runs" / "which_momentum").glob("events.out.tfevents.*"))


@pytest.mark.slow
@once
def test_a_gamma_is_found_for_fruits(tmp_path: Path) -> None:
    output = run(tmp_path, "find_gamma.py", "found.png", "--steps=8", *TINY)
    assert "36 pairs in" in output
    assert "8 steps" in output
    assert output.strip().endswith("Picture: found.png")
    assert (tmp_path / "found.png").exists()


@pytest.mark.slow
@once
def test_updates_are_counted_at_each_batch_size(tmp_path: Path) -> None:
    arguments = ("pays.png", "--quick", "--fruits=130", "--seeds=1")
    output = run(tmp_path, "when_momentum_pays.py", *arguments)
    for normalized in ("without batch normalization", "with batch normalization"):
        for name in ("plain descent", "Momentum 0.9"):
            for size in (64, 130):
                (line,) = (
                    line
                    for line in output.splitlines()
                    if line.startswith(f"{normalized} ")
                    and name in line
                    and f"batch {size:4} " in line
                )
                assert 1 <= int(line.split(" updates")[0].split()[-1]) <= 3000
    assert "of the updates of plain descent in batches of 130" in output
    assert (tmp_path / "pays.png").exists()


@pytest.mark.slow
@once
def test_fruits_are_compared_with_the_best_learning_rates(tmp_path: Path) -> None:
    shipped = sorted((ROOT / "configs").glob("*.toml"))
    data = {"folder.toml", "grocery.toml", "rendered.toml", "small.toml"}
    assert len(shipped) == 14 + len(data)
    names = ("gradient_descent", "momentum_adam_one_cycle", "small")
    chosen = [ROOT / "configs" / f"{name}.toml" for name in names]
    arguments = [*map(str, chosen), "--quick", "--seeds=2", *TINY]
    output = run(tmp_path, "compare_fruits.py", *arguments)
    assert "Left out, as they say what to train on: small.toml" in output
    for name in ("gradient descent", "momentum adam one cycle"):
        assert f"\n{name}: " in output
        assert f"│ {name}, η " in output
    assert "Differences are not resolved: 2 seeds" in output
    compared = tmp_path / "runs" / "small-quick" / "compared"
    assert (compared / "comparison.png").exists()
    assert len(list(compared.rglob("run.json"))) == 4
    again = run(tmp_path, "compare_fruits.py", *arguments)
    assert "4 of 4 runs are finished" in again


def test_shipped_configs_are_read_and_make_what_they_say() -> None:
    from fruits.command_line import read_config
    from fruits.optimizers import callbacks_of, optimizer_of

    made = {}
    for file in (ROOT / "configs").glob("*.toml"):
        name, config = read_config([str(file)], file)
        optimizer = optimizer_of(config, 10)
        callbacks = [type(callback).__name__ for callback in callbacks_of(config)]
        made[name] = (type(optimizer).__name__, optimizer.get_config(), callbacks)
    assert made["gradient_descent"][0] == "SGD"
    assert made["gradient_descent"][1]["momentum"] == 0.0
    assert made["momentum"][1]["momentum"] == pytest.approx(0.9)
    assert made["momentum_ramp"][2] == ["GammaRamp"]
    assert made["momentum_restart"][1]["restart_every"] == 100
    kind, config, _ = made["scheduled_restart"]
    assert (kind, config["restart_every"]) == ("NAG", 40)
    assert config["schedule_restarts"]
    assert config["momentum"]["class_name"].endswith("NesterovSequence")
    assert (made["nag"][0], made["nag_ramp"][0]) == ("NAG", "NAG")
    assert made["nag_ramp"][2] == ["GammaRamp"]
    assert made["momentum_adam"][1]["beta_1"] == pytest.approx(0.9)
    assert made["momentum_adam_one_cycle"][2] == ["OneCycle"]
    assert made["momentum_rmsprop"][0] == "MomentumRMSprop"
    assert made["keras_adam"][0] == "Adam"


@pytest.mark.slow
def test_two_ways_to_move_gamma_are_one_line_and_exit_code_2(tmp_path: Path) -> None:
    text = '[optimizer]\nschedule = "nesterov"\n[gamma_ramp]\n'
    (tmp_path / "both.toml").write_text(text)
    process = started(tmp_path, "compare_fruits.py", "both.toml")
    _, errors = process.communicate()
    assert process.returncode == 2
    assert errors == (
        "both.toml: only one of gamma_ramp and optimizer.schedule can move gamma\n"
    )


@pytest.mark.slow
@once
@pytest.mark.filterwarnings("ignore:.*retried_trial_number is experimental")
def test_two_processes_share_a_study_and_a_killed_one_loses_nothing(
    tmp_path: Path,
) -> None:
    import optuna

    storage = f"sqlite:///{tmp_path / 'study.db'}"
    # Long enough that one can be killed in the middle of a trial.
    arguments = (f"--storage={storage}", "--trials=5", *TINY, "--training.epochs=20")
    killed, survivor = (
        started(tmp_path, "sweep_gamma.py", *arguments) for _ in range(2)
    )
    lost = None
    deadline = time.monotonic() + 120
    while lost is None:
        assert time.monotonic() < deadline
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.1)
        with contextlib.suppress(sqlite3.OperationalError):
            lost = trial_of(killed.pid, tmp_path / "study.db")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    # As if it had been silent for an hour.
    with sqlite3.connect(tmp_path / "study.db", timeout=30) as database:
        database.execute(
            "UPDATE trial_heartbeats SET heartbeat = datetime('now', '-1 hour') "
            "WHERE trial_id = ?",
            (lost,),
        )
    output, errors = survivor.communicate()
    assert survivor.returncode == 0, errors
    assert "Best of 5 trials: gamma 0." in output
    assert (tmp_path / "runs" / "sweep_gamma.png").exists()

    trials = optuna.load_study(study_name="gamma", storage=storage).get_trials()
    processes = {trial.user_attrs["process"] for trial in trials}
    assert processes == {killed.pid, survivor.pid}
    (failed,) = (t for t in trials if t.state == optuna.trial.TrialState.FAIL)
    retried = [
        trial
        for trial in trials
        if optuna.storages.RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
        == failed.number
    ]
    assert [trial.params for trial in retried] == [failed.params]
    assert "Optuna Dashboard" in dashboard_of(storage)


def dashboard_of(storage: str) -> str:
    """The page that the command of the documentation serves."""
    program = Path(sys.executable).with_name("optuna-dashboard")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(program), storage, "--port", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                page = urllib.request.urlopen(f"http://localhost:{port}/dashboard")
                return str(page.read().decode("utf-8"))
            time.sleep(0.1)
        raise AssertionError("the dashboard did not answer in 30 s")
    finally:
        server.terminate()
        server.wait()


def trial_of(process: int, file: Path) -> int | None:
    """The trial that a process works on, from the file of the study."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as data:
        rows = data.execute(
            "SELECT trial_id FROM trials JOIN trial_user_attributes USING (trial_id) "
            "WHERE state = 'RUNNING' AND key = 'process' AND value_json = ?",
            (str(process),),
        )
        row = rows.fetchone()
    return row[0] if row else None


def test_a_journal_file_is_a_study_too(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    import sweep_gamma

    storage = sweep_gamma.open_storage(str(tmp_path / "deep" / "study.log"))
    import optuna

    study = optuna.create_study(storage=storage, direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("gamma", 0, 1), n_trials=2)
    again = sweep_gamma.open_storage(str(tmp_path / "deep" / "study.log"))
    assert len(optuna.load_study(study_name=None, storage=again).trials) == 2
