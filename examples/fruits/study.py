"""A study in which any number of workers take part, and which knows what it is of."""

import contextlib
import errno
import json
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import filelock
import optuna
import sqlalchemy
from optuna.trial import FrozenTrial, TrialState

from fruits.errors import RefusedError
from fruits.storage import Place, reason

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
# The attribute of a study that says what it is of, and that of a trial whose it is.
_SUBJECT, _WORKER = "subject", "worker"
_MAXIMIZE = optuna.study.StudyDirection.MAXIMIZE
_RETRIES = 3
# In seconds.
_LOOK_AGAIN, _BEGINNING = 1.0, 10.0

Subject = dict[str, Any]
Objective = Callable[[optuna.Trial], float]
Show = Callable[[optuna.Study, FrozenTrial], None]


class NoRoomError(Exception):
    """Another worker was first, and the study has its trials."""


class SharedStudy:
    """A study in which this process takes part as one of any number of workers.

    In a file a worker holds a lock as long as it lives, so that the others know of a
    trial whose worker was killed; on a server its heartbeat ends.

    Args:
        place: Where the study is kept.
        name: The name of the study.
        subject: What it is of, by key: what would change its results.

    Attributes:
        study: That of Optuna.

    Raises:
        RefusedError: If there is a study of something else by that name.
    """

    def __init__(self, place: Place, name: str, subject: Subject):
        self._place = place
        with place.locked():
            self.study = _opened(place, name, subject)

    def ended(self) -> list[FrozenTrial]:
        """The trials that have a result, or were pruned."""
        return self.study.get_trials(states=ENDED)

    def take_part(self, objective: Objective, trials: int, show: Show) -> None:
        """Works on the study until it has its trials.

        Args:
            objective: Of a trial, as Optuna wants it.
            trials: How many the study is to have, those of all workers together.
            show: Is called with the study and each trial of this worker.

        Raises:
            OSError: If the storage can't be used any more.
        """
        try:
            with self._alive() as worker:
                is_waiting = False
                while len(self.ended()) < trials:
                    if self._has_worked(worker, objective, trials, show):
                        is_waiting = False
                        continue
                    if not is_waiting:
                        print("Waiting for the trials of other workers.", flush=True)
                    is_waiting = True
                    time.sleep(_LOOK_AGAIN)
        except Exception as error:
            lost = next(filter(_is_of_storage, _chain(error)), None)
            if lost is None:
                raise
            raise OSError(errno.EIO, reason(lost), self._place.name) from error

    def _has_worked(
        self, worker: str, objective: Objective, trials: int, show: Show
    ) -> bool:
        """Does a trial, unless the others are at all that are missing."""
        with contextlib.ExitStack() as turn:
            # Until the trial is known to be of this worker.
            turn.enter_context(self._place.locked())

            def begun(trial: optuna.Trial) -> float:
                trial.set_user_attr(_WORKER, worker)
                turn.close()
                # On a server nobody waits for a turn.
                if self._is_surplus(trial.number, trials):
                    raise NoRoomError
                return objective(trial)

            self._fail_the_dead()
            if len(self._living()) >= trials:
                return False
            self.study.optimize(
                begun, n_trials=1, catch=(NoRoomError,), callbacks=[show]
            )
            return True

    def _living(self) -> list[FrozenTrial]:
        return self.study.get_trials(states=(*ENDED, TrialState.RUNNING))

    def _is_surplus(self, number: int, trials: int) -> bool:
        before = [trial for trial in self._living() if trial.number < number]
        return len(before) >= trials

    @contextlib.contextmanager
    def _alive(self) -> Iterator[str]:
        """Shows the others that this worker is alive, and gives it a name."""
        worker = uuid.uuid4().hex
        if self._place.workers is None:
            yield worker
            return
        file = self._place.workers / f"{worker}.lock"
        with filelock.FileLock(file):
            try:
                yield worker
            finally:
                file.unlink(missing_ok=True)

    def _is_alive(self, worker: str | None) -> bool:
        assert self._place.workers is not None
        file = self._place.workers / f"{worker}.lock"
        if not file.exists():
            return False
        try:
            with filelock.FileLock(file, blocking=False):
                file.unlink(missing_ok=True)
        except filelock.Timeout:
            return True
        return False

    def _fail_the_dead(self) -> None:
        """Lets the trials of workers that were killed be tried again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if self._place.workers is None:
                optuna.storages.fail_stale_trials(self.study)
                return
            again = optuna.storages.RetryHeartbeatStaleTrialCallback(_RETRIES)
            for trial in self.study.get_trials(states=(TrialState.RUNNING,)):
                if not self._is_alive(trial.user_attrs.get(_WORKER)):
                    self.study.tell(trial.number, state=TrialState.FAIL)
                    trial.user_attrs = {}
                    again(self.study, trial)


def _opened(place: Place, name: str, subject: Subject) -> optuna.Study:
    """The study, new or of the same subject."""
    storage = place.open()
    settings: dict[str, Any] = {
        "storage": storage,
        "study_name": name,
        "pruner": optuna.pruners.MedianPruner(n_startup_trials=5),
    }
    try:
        # Of several workers at once one makes it, and says what it is of.
        study = optuna.create_study(direction="maximize", **settings)
        study.set_user_attr(_SUBJECT, subject)
        return study
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(**settings)
    begun = _subject_of(study)
    if begun is None and not study.trials and study.directions == [_MAXIMIZE]:
        # Who made it was stopped before.
        study.set_user_attr(_SUBJECT, subject)
    elif begun != subject:
        raise RefusedError(
            f"--study {name}: in {place.name} it is {_described(begun, subject)}; give "
            "this one another name with --study NAME"
        )
    return study


def _subject_of(study: optuna.Study) -> Subject | None:
    """What a study is of, or `None` if it does not say so."""
    # Who makes it says so a moment later.
    deadline = time.monotonic() + _BEGINNING
    while _SUBJECT not in study.user_attrs and not study.trials:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    found: Subject | None = study.user_attrs.get(_SUBJECT)
    return found


def _described(begun: Subject | None, subject: Subject) -> str:
    if begun is None:
        return "of something that is not known, as another program made it"
    missing = "nothing"
    differences = [
        f"{key} {begun.get(key, missing)} (now {subject.get(key, missing)})"
        for key in {**subject, **begun}
        if begun.get(key, missing) != subject.get(key, missing)
    ]
    return f"of other {' and '.join(differences)}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those while which it was raised: Optuna stumbles over some."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_of_storage(error: BaseException) -> bool:
    return isinstance(
        error,
        optuna.exceptions.StorageInternalError
        | sqlalchemy.exc.SQLAlchemyError
        | json.JSONDecodeError,
    )
