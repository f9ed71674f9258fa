"""Sweeps gamma and the learning rate of a fruit classifier, with Optuna.

    python examples/sweep_gamma.py [--storage STORAGE] [--study NAME] [--trials N] ...

Any number of processes can work on one study: start the command again, also on another
machine if the storage can be reached from there. A trial that does worse than most did
at the same epoch is pruned. If a worker is killed, the others try its trial again
(a journal file can't do that: there the trial stays unfinished, and another takes its
place).

STORAGE is the URL of a database, for example sqlite:///sweep.db or
mysql://user@host/sweep, or a journal file that ends with .log.
"""

import argparse
import contextlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fruits.command_line import fail, read_config
from fruits.config import Config

if TYPE_CHECKING:
    import optuna

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
# In seconds; a worker that is silent for so long is taken for dead.
HEARTBEAT, GRACE = 5, 30


def open_storage(storage: str) -> Any:
    """The storage of the study, made if there is none."""
    import filelock
    import optuna
    from optuna.storages import journal

    if storage.endswith(".log"):
        Path(storage).parent.mkdir(parents=True, exist_ok=True)
        backend = journal.JournalFileBackend(storage)
        return optuna.storages.JournalStorage(backend)
    if storage.startswith("sqlite:///"):
        file = Path(storage.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        # Of two processes that make the tables at once, one would fail.
        lock: contextlib.AbstractContextManager[Any] = filelock.FileLock(f"{file}.lock")
    else:
        lock = contextlib.nullcontext()
    with lock:
        return optuna.storages.RDBStorage(
            storage,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=(
                optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=3)
            ),
        )


class Objective:
    """The validation accuracy of a training with the gamma of a trial.

    The training step is compiled once in each process.

    Args:
        config: What to train on.
    """

    def __init__(self, config: Config):
        import keras

        import keras_momentum
        from fruits.data import FruitData

        keras.utils.set_random_seed(config.training.seed)
        self._config = config
        self._data = FruitData(config)
        self._data.report()
        self._validation = self._data.evaluation()["validation"]
        self._model = self._data.compiled_model(keras_momentum.Momentum())
        self._state = keras_momentum.comparison.ModelState(self._model)

    def __call__(self, trial: "optuna.Trial") -> float:
        import keras
        import optuna

        # On a scale on which 0.9 is as far from 0.99 as from 0.
        remembered = trial.suggest_float("1 - gamma", 0.005, 1.0, log=True)
        self._state.restore()
        self._model.optimizer.gamma = 1.0 - remembered
        self._model.optimizer.learning_rate = trial.suggest_float(
            "learning_rate", 1e-3, 3.0, log=True
        )
        trial.set_user_attr("process", os.getpid())
        accuracies: list[float] = []

        def report(epoch: int, logs: dict[str, float]) -> None:
            accuracies.append(logs["val_accuracy"])
            trial.report(accuracies[-1], epoch)
            self._model.stop_training = trial.should_prune()

        self._model.fit(
            self._data.training(self._config.training.seed),
            epochs=self._config.training.epochs,
            steps_per_epoch=self._data.steps_per_epoch,
            validation_data=self._validation,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=report)],
            shuffle=False,
            verbose=0,
        )
        if len(accuracies) < self._config.training.epochs:
            raise optuna.TrialPruned
        return accuracies[-1]


def draw(study: "optuna.Study", file: Path) -> None:
    """Draws the accuracy over gamma and the learning rate."""
    import optuna

    from keras_momentum import drawing

    done = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    pruned = study.get_trials(states=[optuna.trial.TrialState.PRUNED])
    title = f"The best of {len(done) + len(pruned)} trials: {_described(study)}."
    if pruned:
        title += f" Crosses: {len(pruned)} that were pruned."
    with drawing.picture(file, title, height=5) as figure:
        axes = figure.subplots()
        axes.scatter(*_places(pruned), marker="x", color=drawing.words(drawing.GREY))
        accuracies = [trial.values[0] for trial in done]
        points = axes.scatter(*_places(done), c=accuracies, cmap="cividis", s=60)
        figure.colorbar(points, label="validation accuracy")
        best = _places([study.best_trial])
        axes.scatter(*best, s=200, color="none", edgecolor=drawing.VERMILLION)
        ((x,), (y,)), colour = best, drawing.words(drawing.VERMILLION)
        axes.annotate("    best", (x, y), va="center", color=colour)
        axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="γ")
        gammas = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
        axes.set_yticks([1.0 - gamma for gamma in gammas], map(str, gammas))
        axes.minorticks_off()
        axes.invert_yaxis()


def _described(study: "optuna.Study") -> str:
    best = study.best_trial
    gamma, rate = 1.0 - best.params["1 - gamma"], best.params["learning_rate"]
    return (
        f"gamma {gamma:.3f}, learning rate {rate:.3g}, validation accuracy "
        f"{best.value:.3f}"
    )


def _places(trials: Any) -> tuple[list[float], list[float]]:
    return (
        [trial.params["learning_rate"] for trial in trials],
        [trial.params["1 - gamma"] for trial in trials],
    )


def main() -> None:
    """Takes part in the study until it has its trials, and prints the best."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--storage", default="sqlite:///runs/sweep_gamma.db")
    parser.add_argument("--study", default="gamma", help="its name")
    parser.add_argument("--trials", type=int, default=40, help="of the whole study")
    parser.add_argument("--on", type=Path, default=SMALL, help="TOML, what to train on")
    given, rest = parser.parse_known_args()
    name, config = read_config([str(given.on), *rest], given.on)
    # They take seconds to import, and say much: not for --help or a wrong key.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import optuna

    from fruits.errors import DataError

    experimental = optuna.exceptions.ExperimentalWarning  # Heartbeats are.
    warnings.filterwarnings("ignore", category=experimental)
    try:
        objective = Objective(config)
    except DataError as error:
        fail(f"{name}: {error}")
    study = optuna.create_study(
        storage=open_storage(given.storage),
        study_name=given.study,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
        load_if_exists=True,
    )
    ended = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    if len(study.get_trials(states=ended)) < given.trials:
        study.optimize(
            objective,
            callbacks=[optuna.study.MaxTrialsCallback(given.trials, states=ended)],
        )
    trials = len(study.get_trials(states=ended))
    print(f"Best of {trials} trials: {_described(study)}")
    picture = Path(config.training.runs_dir) / f"sweep_{given.study}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    draw(study, picture)
    print(f"Picture: {picture}")


if __name__ == "__main__":
    main()
