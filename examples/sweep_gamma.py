"""Sweeps gamma and the learning rate of a fruit classifier, with Optuna.

    python examples/sweep_gamma.py [--storage STORAGE] [--study NAME] [--trials N] ...

Any number of processes can work on one study: start the command again, also on another
machine if the storage can be reached from there. A trial that does worse than most did
at the same epoch is pruned, and so is one that diverges. If a worker is killed, the
others try its trial again. A study knows what it is of: with other data or another
model it must have another name.

STORAGE is a file, sweep.db (SQLite) or sweep.log (a journal, also for network file
systems), or the URL of a database, for example mysql://user@host/sweep.
"""

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fruits import paths
from fruits.command_line import CommandLine, at_least, path
from fruits.config import Config, by_key
from fruits.entry import DIVERGED, import_keras, run
from fruits.errors import RefusedError, about
from fruits.storage import Place

if TYPE_CHECKING:
    import optuna

    from fruits.data import FruitData

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
# What gamma and the learning rate are searched for.
KEYS = ("data.", "augmentation.", "model.", "training.")


def open_storage(storage: str) -> Any:
    """The storage of Optuna, to look at a study from Python."""
    place = Place.of(storage)
    with place.locked():
        return place.open()


class Objective:
    """The validation accuracy of a training with the gamma of a trial.

    The training step is compiled once in each process.

    Args:
        config: How to train.
        data: What to train on.
    """

    def __init__(self, config: Config, data: "FruitData"):
        import keras

        import keras_momentum

        keras.utils.set_random_seed(config.training.seed)
        self._config = config
        self._data = data
        self._validation = data.evaluation()["validation"]
        self._optimizer = keras_momentum.Momentum()
        # With mixed precision the model's optimizer is another one, around it.
        self._model = data.compiled_model(self._optimizer)
        self._state = keras_momentum.comparison.ModelState(self._model)

    def __call__(self, trial: "optuna.Trial") -> float:
        import keras
        import optuna

        # On a scale on which 0.9 is as far from 0.99 as from 0.
        remembered = trial.suggest_float("1 - gamma", 0.005, 1.0, log=True)
        self._state.restore()
        self._optimizer.gamma = 1.0 - remembered
        self._optimizer.learning_rate = trial.suggest_float(
            "learning_rate", 1e-3, 3.0, log=True
        )
        trial.set_user_attr("process", os.getpid())
        accuracies: list[float] = []

        def report(epoch: int, logs: dict[str, float]) -> None:
            # Of weights that are no numbers the accuracy is one all the same.
            if not math.isfinite(logs["loss"]) or not math.isfinite(logs["val_loss"]):
                trial.set_user_attr("diverged", True)
                self._model.stop_training = True
                return
            accuracies.append(logs["val_accuracy"])
            trial.report(accuracies[-1], epoch)
            self._model.stop_training = trial.should_prune()

        self._model.fit(
            self._data.training(self._config.training.seed),
            epochs=self._config.training.epochs,
            steps_per_epoch=self._data.steps_per_epoch,
            validation_data=self._validation,
            callbacks=[
                keras.callbacks.TerminateOnNaN(),
                keras.callbacks.LambdaCallback(on_epoch_end=report),
            ],
            shuffle=False,
            verbose=0,
        )
        if len(accuracies) < self._config.training.epochs:
            raise optuna.TrialPruned
        return accuracies[-1]


def subject_of(config: Config, data: "FruitData") -> dict[str, Any]:
    """What the results of a study depend on, by key."""
    parts = config.model_dump(
        mode="json",
        include={key.rstrip(".") for key in KEYS},
        exclude={"data": {"path", "cache_dir"}, "training": {"runs_dir"}},
    )
    return {"data": data.fingerprint, **by_key(parts)}


def show(study: "optuna.Study", trial: "optuna.trial.FrozenTrial") -> None:
    """Prints what came of a trial of this process."""
    if not trial.params:  # Others were first.
        return
    how = f"{trial.state.name.lower()}, {trial.value or 0.0:.3f}"
    if "diverged" in trial.user_attrs:
        how = "diverged"
    print(f"Trial {trial.number}: {_pair(trial)}, {how}", flush=True)


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
    return f"{_pair(best)}, validation accuracy {best.value:.3f}"


def _pair(trial: "optuna.trial.FrozenTrial") -> str:
    gamma, rate = 1.0 - trial.params["1 - gamma"], trial.params["learning_rate"]
    return f"gamma {gamma:.3f}, learning rate {rate:.3g}"


def _places(trials: Any) -> tuple[list[float], list[float]]:
    return (
        [trial.params["learning_rate"] for trial in trials],
        [trial.params["1 - gamma"] for trial in trials],
    )


def main() -> int:
    """Takes part in the study until it has its trials, and prints the best."""
    parser = CommandLine(__doc__)
    parser.add_argument(
        "--storage", default="runs/sweep_gamma.db", help="(%(default)s)"
    )
    parser.add_argument("--study", default="gamma", help="its name (gamma)")
    parser.add_argument(
        "--trials", type=at_least(1), default=40, help="of the whole study (40)"
    )
    parser.add_argument("--on", type=path, default=SMALL, help="TOML, what to train on")
    parser.add_keys(*KEYS)
    given = parser.parse_args()
    name, config = parser.config(given.on, given)
    parser.say_unused(given.on, config)
    if not given.study.strip() or "/" in given.study:
        raise RefusedError(
            f"--study: it must be a name without a slash. Received: {given.study!r}"
        )
    picture = paths.picture(f"{config.training.runs_dir}/sweep_{given.study}.png")
    place = Place.of(given.storage)
    # They take seconds to import: not for --help or a wrong key.
    import_keras()
    import keras
    import optuna

    from fruits.data import FruitData
    from fruits.study import SharedStudy

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    keras.config.set_dtype_policy(config.training.precision)
    with about(name):
        data = FruitData(config)
    data.report()
    shared = SharedStudy(place, given.study, subject_of(config, data))
    if len(shared.ended()) < given.trials:
        shared.take_part(Objective(config, data), given.trials, show)
    trials = shared.ended()
    if all(trial.state != optuna.trial.TrialState.COMPLETE for trial in trials):
        diverged = sum("diverged" in trial.user_attrs for trial in trials)
        print(
            f"--study {given.study}: none of its {len(trials)} trials came to its end, "
            f"{diverged} diverged; there is no best one",
            file=sys.stderr,
        )
        return DIVERGED
    print(f"Best of {len(trials)} trials: {_described(shared.study)}")
    draw(shared.study, picture)
    print(f"Picture: {picture}")
    return 0


if __name__ == "__main__":
    run(main)
