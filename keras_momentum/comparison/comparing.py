"""Training with several optimizers from the same start on the same batches."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.comparison import _tensorboard
from keras_momentum.comparison._arguments import (
    check_fit_arguments,
    check_packages,
    checked_folder,
    checked_seeds,
    checked_target,
)
from keras_momentum.comparison._batches import TrainingData
from keras_momentum.comparison._candidates import candidates_of
from keras_momentum.comparison._files import lock_of, write_whole
from keras_momentum.comparison._metrics import MODES, chosen_metric, logged_by
from keras_momentum.comparison._models import identity_of_model
from keras_momentum.comparison._planning import Runs, planned_runs
from keras_momentum.comparison._results import Results
from keras_momentum.comparison._starting_point import StartingPoint
from keras_momentum.comparison._state import RandomState
from keras_momentum.comparison._training import Training
from keras_momentum.comparison._validation import ValidationData
from keras_momentum.comparison.comparison import Comparison


def compare(
    build_model: Callable[[], keras.Model] | keras.Model,
    optimizers: Mapping[str, Any],
    train_data: Any,
    validation_data: Any = None,
    *,
    epochs: int,
    seeds: Iterable[int] = (0, 1, 2),
    log_dir: str | Path = "runs/comparison",
    target: float | None = None,
    metric: str | None = None,
    mode: str = "auto",
    validate_every: int | None = None,
    batch_size: int = 32,
    verbose: int = 1,
    **fit_arguments: Any,
) -> Comparison:
    """Trains a model with several optimizers, and says which of them differ.

    For every seed all optimizers start from the same weights and random numbers and
    see the same batches in the same order; that they do is looked at while they train,
    and a difference ends the comparison. The training step of each is compiled once,
    for all its seeds.

    In `log_dir`, each run has a folder `NAME/seed-N` with logs for TensorBoard
    (`tensorboard --logdir LOG_DIR`: Scalars, Custom Scalars, HParams) and `run.json`.
    A comparison that was killed goes on after the last epoch when it is called again,
    to the same results; optimizers and seeds can be added later, and several processes
    that are called alike share the runs. Beside them lie the table and the picture:
    `comparison.txt`, `comparison.csv` and `comparison.png`. A finished run is taken
    only if model, data, optimizer, callbacks, arguments and versions are the same.

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
        validation_data: As in `fit`, but the same each time; or a function without
            arguments that returns it, or a generator, whose batches are then kept in
            memory. Defaults to `None`.
        epochs: An integer >= 1.
        seeds: Integers >= 0, at least three for differences to be told from chance.
            Defaults to `(0, 1, 2)`.
        log_dir: The folder of the comparison. Defaults to `"runs/comparison"`.
        target: `None` or a float. The value of the metric to which steps and seconds
            are counted, to the end of the epoch in which it was found. Defaults to
            `None`.
        metric: `None` or the name of a metric in the logs. Defaults to the first
            validation metric, or the validation loss if there is none, or the loss.
        mode: `"auto"`, `"min"` or `"max"`. Whether the metric should fall or grow;
            `"auto"` knows it of losses and of Keras's metrics. Defaults to `"auto"`.
        validate_every: `None` or an integer >= 1. With a target, the number of updates
            after which it is looked for within an epoch, which changes nothing in the
            training. Defaults to `None`.
        batch_size: An integer >= 1, for arrays. Defaults to `32`.
        verbose: 0 or 1. 0: quiet, 1: progress, and the table at the end. Defaults to
            `1`.
        **fit_arguments: Other arguments of `fit`, for example `steps_per_epoch`.

    Returns:
        A `Comparison`.

    Raises:
        ImportError: If filelock, Matplotlib, rich, SciPy, TensorBoard or TensorFlow is
            missing.
        OSError: If a file can't be written; what was there stays.
        TypeError: If an argument is of a wrong kind.
        ValueError: If an argument is not as said above; if optimizers would not get the
            same weights, batches or random numbers, or do no update; if `log_dir` has
            runs of something else under the same names, damaged ones, or files of
            others with our names.

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
    check_packages()
    candidates = candidates_of(optimizers)
    seeds = checked_seeds(seeds)
    epochs = arguments.integer("epochs", epochs, minimum=1)
    batch_size = arguments.integer("batch_size", batch_size, minimum=1)
    arguments.one_of("mode", mode, MODES)
    check_fit_arguments(fit_arguments)
    target = checked_target(target, validate_every, validation_data)
    folder = checked_folder(log_dir)
    steps = fit_arguments.pop("steps_per_epoch", None)
    random_state = RandomState()
    start = StartingPoint(build_model)
    try:
        data = TrainingData(train_data, batch_size, steps)
        validation = ValidationData(
            validation_data, fit_arguments.get("validation_steps")
        )
        model = start.check(seeds[0])
        for candidate in candidates.values():
            candidate._new_optimizer(model.trainable_variables, start.known_weights)
        is_validated = validation.for_fit is not None
        logged = logged_by(model, data.first_batch(seeds[0]), is_validated)
        metric, mode = chosen_metric(metric, mode, logged)
        training = Training(
            data,
            validation,
            epochs,
            folder,
            metric,
            validate_every,
            fit_arguments,
        )
        known = {name: way for name, way in logged.directions.items() if way}
        common = {"model": identity_of_model(model)}
        planned = planned_runs(training, start, candidates, seeds, common, known)
        runs = Runs(training, start, candidates, planned, verbose).all()
    finally:
        start.end()
        random_state.restore()
    comparison = Comparison(runs, metric, mode, target)
    _write(comparison, folder)
    if verbose:
        print(comparison)
        print(f"Picture: {folder / 'comparison.png'}")
    return comparison


def _write(comparison: Comparison, folder: Path) -> None:
    import filelock

    judged_by = ("metric", "mode", "target")
    with filelock.FileLock(lock_of(folder, "results")):
        Results(folder).write(
            {name: getattr(comparison, name) for name in judged_by},
            {
                "comparison.txt": lambda file: write_whole(file, f"{comparison}\n"),
                "comparison.csv": comparison.to_csv,
                "comparison.png": comparison.draw,
            },
            lambda logs: _tensorboard.write_overview(logs, comparison.metric),
        )
