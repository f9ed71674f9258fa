"""The scripts that compare and sweep, as a person runs them."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest

import sweep_gamma
from fruits.config_file import keys_of, load_config
from fruits.errors import RefusedError
from tests.once import once

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TINY = (
    *("--data.image_size=16", "--data.train_images=104", "--data.cache_dir=data"),
    *("--data.validation_images=26", "--data.test_images=26", "--model.width=2"),
    "--model.stages=1",
)
EPOCH = "--training.epochs=1"


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
    arguments = [*map(str, chosen), "--quick", "--seeds=2", *TINY, EPOCH]
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
    from fruits.optimizers import callbacks_of, optimizer_of

    made = {}
    for file in (ROOT / "configs").glob("*.toml"):
        name, config = load_config(file)
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
@pytest.mark.parametrize("file", ["study.db", "study.log"])
@pytest.mark.filterwarnings("ignore:.*retried_trial_number is experimental")
def test_two_processes_share_a_study_and_a_killed_one_loses_nothing(
    file: str, tmp_path: Path
) -> None:
    # Long enough that one can be killed in the middle of a trial.
    arguments = (f"--storage={file}", "--trials=5", *TINY, "--training.epochs=20")
    killed, survivor = (
        started(tmp_path, "sweep_gamma.py", *arguments) for _ in range(2)
    )
    wait_for_a_trial(killed, tmp_path / file)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    output, errors = survivor.communicate()
    assert survivor.returncode == 0, errors
    assert "Best of 5 trials: gamma 0." in output
    assert (tmp_path / "runs" / "sweep_gamma.png").exists()

    trials = trials_in(tmp_path / file)
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
    if file == "study.db":
        assert "Optuna Dashboard" in dashboard_of(f"sqlite:///{tmp_path / file}")


@pytest.mark.slow
@once
@pytest.mark.parametrize(
    ("file", "number", "code"),
    [("study.db", signal.SIGINT, 130), ("study.log", signal.SIGTERM, 143)],
)
def test_a_sweep_that_is_stopped_goes_on(
    file: str, number: signal.Signals, code: int, tmp_path: Path
) -> None:
    arguments = (f"--storage={file}", "--trials=1", *TINY, EPOCH)
    process = started(tmp_path, "sweep_gamma.py", *arguments, "--training.epochs=9999")
    wait_for_a_trial(process, tmp_path / file)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == code
    assert errors in ("Interrupted.\n", "Terminated.\n")
    assert [trial.state.name for trial in trials_in(tmp_path / file)] == ["FAIL"]
    # With as many epochs it is the same study; one of others is refused.
    other = started(tmp_path, "sweep_gamma.py", *arguments)
    output, errors = other.communicate()
    assert (other.returncode, output) == (2, "")
    assert "it is of other training.epochs 9999 (now 1)" in errors
    assert errors.count("\n") == 1
    again = run(tmp_path, "sweep_gamma.py", *arguments, "--study=other")
    assert "Best of 1 trials: gamma 0." in again
    # It has its trials: the best one is said, and nothing is trained.
    assert "Trial" not in run(tmp_path, "sweep_gamma.py", *arguments, "--study=other")


def test_a_study_is_of_all_that_changes_its_results() -> None:
    class Pictures:
        fingerprint = "apples"

    config = load_config(ROOT / "configs" / "small.toml")[1]
    subject = sweep_gamma.subject_of(config, Pictures())  # type: ignore[arg-type]
    keys = {key for key, _ in keys_of() if key.startswith(sweep_gamma.KEYS)}
    # The pictures are known by their fingerprint, wherever they are.
    where = {"data.path", "data.cache_dir", "training.runs_dir"}
    assert set(subject) == keys - where | {"data"}
    assert subject["data"] == "apples"
    assert json.loads(json.dumps(subject)) == subject


def trials_in(file: Path) -> list[optuna.trial.FrozenTrial]:
    storage = sweep_gamma.open_storage(str(file))
    return optuna.load_study(study_name="gamma", storage=storage).get_trials()


def wait_for_a_trial(process: "subprocess.Popen[str]", file: Path) -> None:
    """Until a process has begun to work on a trial."""
    deadline = time.monotonic() + 120
    while True:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
        # It may be making the file.
        with contextlib.suppress(KeyError, RefusedError):
            if file.exists() and any(
                trial.user_attrs.get("process") == process.pid
                and trial.state == optuna.trial.TrialState.RUNNING
                for trial in trials_in(file)
            ):
                return


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
