"""Studies: what they are of, and workers that come together, stop and are killed."""

import subprocess
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import optuna
import pytest
from optuna.trial import TrialState

from fruits import study as module
from fruits.errors import RefusedError
from fruits.storage import Place
from fruits.study import SharedStudy, Subject
from tests.once import once

pytestmark = once
SUBJECT: Subject = {"data": "apples", "training.epochs": 3}
FILES = ["sweep.db", "sweep.log"]
both = pytest.mark.parametrize("file", FILES)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "_LOOK_AGAIN", 0.05)
    monkeypatch.setattr(module, "_BEGINNING", 0.5)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


def opened(file: str, name: str = "gamma", subject: Subject = SUBJECT) -> SharedStudy:
    return SharedStudy(Place.of(file), name, subject)


def gamma(trial: optuna.Trial) -> float:
    return float(trial.suggest_float("gamma", 0, 1))


def nothing(study: object, trial: object) -> None:
    pass


def states(shared: SharedStudy) -> list[str]:
    return [trial.state.name for trial in shared.study.trials]


@both
@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ({"data": "pears"}, "it is of other data apples (now pears)"),
        ({"training.epochs": 4}, "it is of other training.epochs 3 (now 4)"),
        ({"model.width": 4}, "it is of other model.width nothing (now 4)"),
    ],
)
def test_a_study_of_something_else_is_refused(
    file: str, subject: Subject, says: str
) -> None:
    opened(file).take_part(gamma, 2, nothing)
    with pytest.raises(RefusedError) as refused:
        opened(file, subject=SUBJECT | subject)
    assert says in str(refused.value)
    assert str(refused.value).endswith("another name with --study NAME")
    # Under another name it is a study of its own, and the first one goes on.
    other = opened(file, "other", SUBJECT | subject)
    other.take_part(gamma, 1, nothing)
    assert len(other.ended()) == 1
    again = opened(file)
    again.take_part(gamma, 3, nothing)
    assert len(again.ended()) == 3


@both
@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_study_that_does_not_say_what_it_is_of_is_refused(
    file: str, direction: Literal["maximize", "minimize"]
) -> None:
    place = Place.of(file)
    with place.locked():
        old = optuna.create_study(
            storage=place.open(), study_name="gamma", direction=direction
        )
    if direction == "maximize":
        assert opened(file).study.user_attrs == {"subject": SUBJECT}
        old = optuna.create_study(storage=old._storage, study_name="with trials")
        old.optimize(gamma, n_trials=1)
    with pytest.raises(RefusedError, match="of something that is not known"):
        opened(file, old.study_name)


@both
def test_of_workers_that_come_at_once_one_says_what_it_is_of(file: str) -> None:
    outcomes: list[str] = []

    def work(epochs: int) -> None:
        try:
            opened(file, subject=SUBJECT | {"training.epochs": epochs})
            outcomes.append("taken")
        except RefusedError:
            outcomes.append("refused")

    together([lambda: work(1), lambda: work(2)])
    assert sorted(outcomes) == ["refused", "taken"]


def together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@both
@pytest.mark.parametrize("trials", [1, 3, 4])
def test_workers_make_as_many_trials_as_were_asked_for(file: str, trials: int) -> None:
    def slow(trial: optuna.Trial) -> float:
        time.sleep(0.2)
        return gamma(trial)

    opened(file)
    together([lambda: opened(file).take_part(slow, trials, nothing)] * 3)
    assert states(opened(file)) == ["COMPLETE"] * trials


def test_where_there_are_no_turns_a_surplus_trial_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = opened("sweep.db")
    # Two workers on a server see that one trial is missing, and the other is first.
    look = shared._living

    def seen_too_early() -> list[object]:
        monkeypatch.setattr(shared, "_living", look)
        shared.study.ask()
        return []

    monkeypatch.setattr(shared, "_living", seen_too_early)
    assert shared._has_worked("me", gamma, 1, nothing)
    assert states(shared) == ["RUNNING", "FAIL"]


@both
def test_a_trial_whose_worker_is_dead_is_tried_again(file: str) -> None:
    shared = opened(file)
    trial = shared.study.ask()
    lost = gamma(trial)
    trial.set_user_attr("worker", uuid.uuid4().hex)
    shared.take_part(gamma, 2, nothing)
    assert sorted(states(shared)) == ["COMPLETE", "COMPLETE", "FAIL"]
    assert [t.params["gamma"] for t in shared.study.trials].count(lost) == 2


@both
def test_a_trial_that_was_never_begun_is_tried_again(file: str) -> None:
    shared = opened(file)
    shared.study.ask()
    shared.take_part(gamma, 1, nothing)
    assert sorted(states(shared)) == ["COMPLETE", "FAIL"]


@both
def test_a_trial_that_kills_its_workers_is_not_tried_for_ever(file: str) -> None:
    shared = opened(file)
    gamma(shared.study.ask())
    for _ in range(10):
        shared._fail_the_dead()
        for trial in shared.study.get_trials(states=(TrialState.WAITING,)):
            assert shared.study.ask().number == trial.number
    assert states(shared) == ["FAIL"] * 4


@both
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_worker_that_stops_leaves_no_trial_running(
    file: str, error: type[BaseException]
) -> None:
    def stopped(trial: optuna.Trial) -> float:
        gamma(trial)
        raise error

    shared = opened(file)
    with pytest.raises(error):
        shared.take_part(stopped, 2, nothing)
    assert states(shared) == ["FAIL"]
    again = opened(file)
    again.take_part(gamma, 2, nothing)
    assert states(again) == ["FAIL", "COMPLETE", "COMPLETE"]
    assert [path.name for path in Path(f"{file}.workers").iterdir()] == ["turn.lock"]


def test_a_storage_that_is_lost_in_the_middle_is_a_sentence() -> None:
    shared = opened("sweep.db")

    def losing(trial: optuna.Trial) -> float:
        Path("sweep.db").write_bytes(b"x" * 10_000)
        return gamma(trial)

    with pytest.raises(OSError, match="sweep.db") as lost:
        shared.take_part(losing, 2, nothing)
    assert lost.value.strerror


def test_a_server_has_heartbeats_instead_of_locks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # No server is needed for it: the file of a database, as if there were none.
    url = "sqlite:///server.db"
    server = Place("server", url, None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", optuna.exceptions.ExperimentalWarning)
        shared = SharedStudy(server, "gamma", SUBJECT)
        storage: Any = shared.study._storage
        monkeypatch.setattr(storage._backend, "grace_period", 1)
        shared.take_part(gamma, 1, nothing)
        warnings.simplefilter("ignore", UserWarning)
        storage._backend.record_heartbeat(shared.study.ask()._trial_id)
        assert states(shared) == ["COMPLETE", "RUNNING"]
        shared.take_part(gamma, 2, nothing)
    assert sorted(states(shared)) == ["COMPLETE", "COMPLETE", "FAIL"]


WORKER = """
import sys, time
from fruits.storage import Place
from fruits.study import SharedStudy
def objective(trial):
    value = trial.suggest_float("gamma", 0, 1)
    print("begun", flush=True)
    time.sleep(600)
shared = SharedStudy(Place.of({file!r}), "gamma", {subject!r})
shared.take_part(objective, 3, lambda study, trial: None)
"""


@pytest.mark.slow
@both
def test_a_living_worker_is_waited_for_and_a_killed_one_is_not(file: str) -> None:
    examples = Path(__file__).parents[2] / "examples"
    code = f"import sys; sys.path.insert(0, {str(examples)!r})" + WORKER.format(
        file=file, subject=SUBJECT
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "begun\n"
            shared = opened(file)
            assert shared._has_worked("me", gamma, 2, nothing)
            # The one that is missing is being done.
            assert not shared._has_worked("me", gamma, 2, nothing)
            assert states(shared) == ["RUNNING", "COMPLETE"]
        finally:
            worker.kill()
    shared.take_part(gamma, 2, nothing)
    assert sorted(states(shared)) == ["COMPLETE", "COMPLETE", "FAIL"]
