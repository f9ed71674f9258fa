"""Training with several optimizers from the same start on the same batches."""

import importlib.util
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.comparison import _tensorboard
from keras_momentum.comparison._batches import digest
from keras_momentum.comparison._candidates import Candidate, candidates_of
from keras_momentum.comparison._printing import progress
from keras_momentum.comparison._runs import MODES, Run, default_metric, write_settings
from keras_momentum.comparison._starting_point import Runner, StartingPoint
from keras_momentum.comparison._state import RandomState, values_of
from keras_momentum.comparison._training import Training
from keras_momentum.comparison.comparison import Comparison

_NEEDED = ("matplotlib", "rich", "scipy", "tensorboard", "tensorflow")
# Arguments of `fit` that `compare` gives itself.
_OWN = (
    *("self", "x", "y", "batch_size", "epochs", "verbose", "callbacks", "shuffle"),
    *("validation_split", "validation_data", "initial_epoch"),
)


def compare(
    build_model: Callable[[], keras.Model] | keras.Model,
    optimizers: Mapping[str, Any],
    train_data: Any,
    validation_data: Any = None,
    *,
    epochs: int,
    seeds: Sequence[int] = (0, 1, 2),
    log_dir: str | Path = "runs/comparison",
    target: float | None = None,
    metric: str | None = None,
    mode: str = "auto",
    batch_size: int = 32,
    verbose: int = 1,
    **fit_arguments: Any,
) -> Comparison:
    """Trains a model with several optimizers, and says which of them differ.

    For every seed all optimizers start from the same weights and see the same batches
    in the same order. The training step of each is compiled once, for all its seeds.

    In `log_dir`, each run has a folder `NAME/seed-N` with logs for TensorBoard
    (`tensorboard --logdir LOG_DIR`: Scalars, Custom Scalars, HParams) and `run.json`.
    A comparison that was killed goes on where it stopped when it is called again;
    optimizers and seeds can be added later. Beside them lie the table and the picture:
    `comparison.txt`, `comparison.csv` and `comparison.png`.

    A run whose loss becomes infinite or NaN ends there and is reported.

    Args:
        build_model: A function without arguments that returns a compiled model; its
            weights then follow from the seed. Or a compiled model: each run starts from
            its present weights, and it is left as it was. Of what it was compiled with,
            the optimizer is replaced.
        optimizers: A dictionary of names and optimizers: an instance, what
            `model.compile` takes as `optimizer`, or a `Candidate`, which can have
            callbacks.
        train_data: A tuple of arrays, `(x, y)` or `(x, y, sample_weight)`, which are
            shuffled in an order that follows from seed and epoch; what `fit` takes as
            `x` and does not shuffle by itself; or a function that takes the seed and
            returns one of these, for example
            `lambda seed: dataset.shuffle(1000, seed=seed)`.
        validation_data: As in `fit`. Defaults to `None`.
        epochs: An integer >= 1.
        seeds: Integers >= 0, at least three for differences to be told from chance.
            Defaults to `(0, 1, 2)`.
        log_dir: The folder of the comparison. Defaults to `"runs/comparison"`.
        target: `None` or a float. The value of the metric to which steps and seconds
            are counted, epoch by epoch. Defaults to `None`.
        metric: `None` or the name of a metric in the logs. Defaults to the first
            validation metric, or the validation loss if there is none.
        mode: `"auto"`, `"min"` or `"max"`. Whether the metric should fall or grow;
            `"auto"` infers it from its name. Defaults to `"auto"`.
        batch_size: An integer >= 1, for arrays. Defaults to `32`.
        verbose: 0 or 1. 0: quiet, 1: progress, and the table at the end. Defaults to
            `1`.
        **fit_arguments: Other arguments of `fit`, for example `steps_per_epoch`.

    Returns:
        A `Comparison`.

    Raises:
        ImportError: If Matplotlib, SciPy, TensorBoard or TensorFlow is missing.
        TypeError: If an argument is of a wrong kind.
        ValueError: If an argument is not as said above; if the batches are others each
            time; if `log_dir` has runs of something else under the same names.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> import keras_momentum
    >>> from keras_momentum.comparison import compare
    >>> def build_model():
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    ...     model.compile(loss="mse")
    ...     return model
    >>> x = np.random.default_rng(0).random((32, 4))
    >>> optimizers = {
    ...     "plain": keras.optimizers.SGD(0.01),
    ...     "momentum": keras_momentum.Momentum(0.01, momentum=0.9),
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     comparison = compare(
    ...         build_model, optimizers, (x, x.sum(1)), (x, x.sum(1)), epochs=20,
    ...         log_dir=folder, verbose=0,
    ...     )
    >>> [row.name for row in comparison.rows()]
    ['momentum', 'plain']
    """
    _check_packages()
    candidates = candidates_of(optimizers)
    _check_numbers(epochs, batch_size, seeds, mode)
    _check_fit_arguments(fit_arguments)
    training = Training(
        train_data,
        validation_data,
        epochs,
        batch_size,
        Path(log_dir),
        metric,
        fit_arguments,
    )
    random_state = RandomState()
    start = StartingPoint(build_model)
    try:
        runs = _runs(training, start, candidates, seeds, verbose)
    finally:
        start.end()
        random_state.restore()
    comparison = Comparison(runs, metric or default_metric(runs), mode, target)
    _write(comparison, training.log_dir)
    if verbose:
        print(comparison)
        print(f"Picture: {training.log_dir / 'comparison.png'}")
    return comparison


def _runs(
    training: Training,
    start: StartingPoint,
    candidates: dict[str, Candidate],
    seeds: Sequence[int],
    verbose: int,
) -> list[Run]:
    """All runs, those that were finished before among them."""
    model = start.model(seeds[0])
    first = digest([values_of(model)])
    for candidate in candidates.values():
        # Before anything is trained.
        candidate._new_optimizer(model.trainable_variables, start.known_weights)
    common = training.made_of(seeds[0])
    planned = [
        Run(
            name,
            seed,
            hyperparameters=candidate.hyperparameters(),
            made_of={
                **common,
                "optimizer": candidate._identity(start.known_weights),
                # Of other seeds they are not known before they begin.
                **({"weights": first} if seed == seeds[0] else {}),
            },
        )
        for name, candidate in candidates.items()
        for seed in seeds
    ]
    finished = {
        (run.name, run.seed): found
        for run in planned
        if (found := training.finished(run.name, run.seed, run.made_of))
    }
    runs = []
    epochs = training.epochs
    with progress(len(planned) * epochs, verbose) as bar:
        bar.skip(len(finished), len(planned), epochs)
        for name, candidate in candidates.items():
            runner = Runner(start, candidate)
            for run in (each for each in planned if each.name == name):
                if (name, run.seed) in finished:
                    runs.append(finished[name, run.seed])
                    continue
                run.made_of["weights"] = runner.begin(run.seed)
                runs.append(training.run(candidate, runner, run, bar.epoch))
                bar.end(runs[-1], epochs)
    return runs


def _write(comparison: Comparison, folder: Path) -> None:
    for former in folder.glob("events.out.tfevents.*"):
        former.unlink()
    _tensorboard.write_overview(folder, comparison.metric)
    judged_by = ("metric", "mode", "target")
    write_settings(folder, {name: getattr(comparison, name) for name in judged_by})
    (folder / "comparison.txt").write_text(f"{comparison}\n", "utf-8")
    comparison.to_csv(folder / "comparison.csv")
    comparison.draw(folder / "comparison.png")


def _check_packages() -> None:
    """Raises `ImportError` if a package that comparisons need is missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Comparisons need {', '.join(missing)}: "
            'pip install "keras-momentum[comparison]"'
        )


def _check_numbers(
    epochs: int, batch_size: int, seeds: Sequence[int], mode: str
) -> None:
    """Raises `ValueError` if one of these is not as `compare` says."""
    arguments.integer("epochs", epochs, minimum=1)
    arguments.integer("batch_size", batch_size, minimum=1)
    arguments.one_of("mode", mode, MODES)
    if not isinstance(seeds, Sequence):
        raise ValueError(
            "Argument `seeds` must be a sequence of integers, for example range(3). "
            f"Received: seeds={seeds!r}"
        )
    for seed in seeds:
        arguments.integer("seeds", seed, minimum=0)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(
            "Argument `seeds` must have at least one integer, and none twice. "
            f"Received: seeds={seeds!r}"
        )


def _check_fit_arguments(given: Mapping[str, Any]) -> None:
    """Raises `TypeError` for what `fit` doesn't take, or `compare` gives it itself."""
    allowed = set(inspect.signature(keras.Model.fit).parameters) - set(_OWN)
    for name in given.keys() - allowed:
        raise TypeError(
            f"compare() got an unexpected argument `{name}`; of `fit` it takes "
            f"{', '.join(sorted(allowed))}."
        )
