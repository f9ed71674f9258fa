"""Trying gammas and learning rates with one compiled step."""

import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum.callbacks._movable import check_movable
from keras_momentum.callbacks.momentum_optimizers import movable_optimizers
from keras_momentum.comparison._batches import first_batches
from keras_momentum.comparison._halving import rungs_of
from keras_momentum.comparison._noise import distinct_batches, measure, size_of
from keras_momentum.comparison._optimizers import as_written
from keras_momentum.comparison._plane import Pair, rows_of
from keras_momentum.comparison._state import ModelState, RandomState
from keras_momentum.comparison._trials import Trials
from keras_momentum.comparison.gamma_search import GammaSearch

# So many batches are held back to judge by.
_JUDGES = 8
# And so many are taken for the noise scale.
_OF_NOISE = 32


def find_gamma(
    model: keras.Model,
    data: Any,
    gammas: Sequence[float] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
    learning_rates: Sequence[float] | None = None,
    steps: int = 100,
    *,
    budget: float = 0.5,
    batch_size: int = 32,
    seed: int = 0,
    verbose: int = 1,
    **fit_arguments: Any,
) -> GammaSearch:
    """Tries gammas and learning rates on a model, with one compilation.

    The model trains with each pair, from the weights that it has and on the same
    batches. A gamma γ turns a learning rate η into an effective one of η/(1 − γ), so
    that each gamma is tried with learning rates of its own. Weights, the optimizer's
    state and that of random layers are put back between two trials, so that one
    training step is compiled for all; a second one measures the gradient noise scale.
    The losses are those of separate trainings, to six digits. In the end the model is
    as it was, and its step stays compiled.

    After a quarter and after half of the steps, only those learning rates of each gamma
    go on that have the lowest losses (successive halving), from where they stopped.

    A pair is judged at the average of its iterates in the second half of the steps (of
    some 10 of them, evenly spaced), as the last iterate favours small learning rates in
    short trainings. NAG's are the points at which it takes the gradient, which the
    model holds. The loss there is that of the training step, with batch statistics in
    batch normalisation, on 8 batches that follow those of training; where the data are
    short, their samples have been trained on. The average also flatters a gamma so
    large that the iterates swing around the optimum. What is best in few steps need not
    be best in many.

    Args:
        model: A `keras.Model` compiled with an optimizer of keras_momentum whose
            gamma and learning rate are floats. Several, in a `MultiOptimizer`, get the
            same gamma, and learning rates in the proportion that they have.
        data: As `train_data` of `keras_momentum.comparison.compare`; data that shuffle
            by themselves are allowed, as the batches are taken once and kept in memory.
        gammas: Floats in [0, 1). Defaults to `(0.0, 0.5, 0.8, 0.9, 0.95, 0.99)`.
        learning_rates: Floats > 0, not effective ones, for all gammas. Defaults to
            `None`: six *effective* learning rates, the same for each gamma, in a decade
            around that of the optimizer as it is.
        steps: An integer >= 1. The number of steps to the end. Defaults to `100`.
        budget: A float in (0, 1]. The number of steps of all trials together, as a
            share of what all would take if all trained to the end. With `1.0` they do;
            one learning rate of each gamma does in any case. Defaults to `0.5`.
        batch_size: An integer >= 1, for arrays. Defaults to `32`.
        seed: An integer >= 0, from which the order of arrays follows. Defaults to `0`.
        verbose: 0 or 1. 0: quiet, 1: prints the table. Defaults to `1`.
        **fit_arguments: Of the other arguments of `fit`, `class_weight`.

    Returns:
        A `GammaSearch`.

    Raises:
        TypeError: If a schedule or a callable decides the optimizer's gamma or its
            learning rate; of another argument.
        ValueError: If an argument is not as said above; if there are no data.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> x = np.random.default_rng(0).random((64, 4))
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(learning_rate=0.01), loss="mse")
    >>> search = keras_momentum.comparison.find_gamma(
    ...     model, (x, x.sum(axis=1)), (0.0, 0.9), (0.001, 0.01), verbose=0
    ... )
    >>> search.best
    Pair(gamma=0.9, learning_rate=0.01)

    Reference:

    - Wu, Ren, Liao and Grosse, 2018, "Understanding short-horizon bias in stochastic
      meta-optimization".
    - Jamieson and Talwalkar, 2016, "Non-stochastic best arm identification and
      hyperparameter optimization" (successive halving).
    """
    optimizers = movable_optimizers(model, "find_gamma")
    check_movable(optimizers, ["learning_rate"], "find_gamma")
    if getattr(model, "steps_per_execution", 1) > 1:
        raise ValueError(
            "find_gamma needs the loss of every step; compile with "
            "`steps_per_execution=1`. Received a model with "
            f"steps_per_execution={model.steps_per_execution}"
        )
    own = Pair(as_written(optimizers[0].gamma), as_written(optimizers[0].learning_rate))
    _check_axis("gammas", gammas)
    for gamma in gammas:
        arguments.decay("gammas", gamma)
    if learning_rates is not None:
        _check_axis("learning_rates", learning_rates)
        for rate in learning_rates:
            arguments.positive_float("learning_rates", rate)
    elif not (own.learning_rate > 0 and own.gamma < 1):
        raise ValueError(
            "Argument `learning_rates` must be given where the optimizer's own "
            "learning rate is 0 or its gamma is 1. Received: learning_rates=None, with "
            f"learning_rate={own.learning_rate} and gamma={own.gamma}"
        )
    arguments.integer("steps", steps, minimum=1)
    if arguments.positive_float("budget", budget) > 1.0:
        raise ValueError(
            f"Argument `budget` must be a float in (0, 1]. Received: budget={budget!r}"
        )
    arguments.integer("batch_size", batch_size, minimum=1)
    arguments.integer("seed", seed, minimum=0)
    for name in fit_arguments.keys() - {"class_weight"}:
        raise TypeError(
            f"find_gamma() got an unexpected argument `{name}`; of `fit` it takes "
            "class_weight."
        )
    gain = optimizers[0].gain
    rows = rows_of(gammas, learning_rates, own, gain, steps, _JUDGES)
    rungs = rungs_of(len(rows[0]), steps, budget)
    random_state = RandomState()
    begin = time.perf_counter()
    of_noise = distinct_batches(data, batch_size, seed, _OF_NOISE)
    batches = first_batches(data, batch_size, seed, steps + _JUDGES)
    if not model.built:
        model(batches[0][0])
    state = ModelState(model)
    history = getattr(model, "history", None)
    try:
        trials = Trials(model, batches, steps, fit_arguments)
        made = [trial for row in rows for trial in trials.make(row, rungs)]
        state.restore()
        noise = measure(model, of_noise, fit_arguments)
    finally:
        state.restore()
        model.history = history
        random_state.restore()
    seconds = time.perf_counter() - begin
    size = size_of(batches[0])
    search = GammaSearch(made, trials.first, steps, size, noise, seconds)
    if verbose:
        print(search)
    return search


def _check_axis(name: str, values: Any) -> None:
    if np.ndim(values) != 1 or not len(values) or len(set(values)) < len(values):
        raise ValueError(
            f"Argument `{name}` must have at least one float, and none twice. "
            f"Received: {name}={values!r}"
        )
