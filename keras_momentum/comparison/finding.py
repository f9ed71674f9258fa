"""Trying several gammas with one compiled step, and what was found."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_momentum import arguments
from keras_momentum.callbacks.momentum_optimizers import (
    momentum_optimizers,
    movable_optimizers,
)
from keras_momentum.comparison._batches import first_batches
from keras_momentum.comparison._pictures import draw_gammas
from keras_momentum.comparison._printing import as_text
from keras_momentum.comparison._state import BeginAnew, ModelState, RandomState


class GammaSearch:
    """What each gamma made of the same batches from the same weights.

    `print(search)` shows the table and the recommendation.

    Args:
        losses: The loss of each batch, before its update, by gamma; NaN from where it
            diverged on.
        seconds: The duration of the search.

    Attributes:
        losses: The argument.
        seconds: The argument.
        final_losses: The mean loss of the last quarter of the steps, by gamma; NaN if
            it diverged.
        recommended: The gamma with the lowest of them; `None` if all diverged, or if
            they differ by less than a thousandth.
    """

    def __init__(self, losses: dict[float, np.ndarray], seconds: float):
        self.losses = losses
        self.seconds = seconds
        self.final_losses = {
            gamma: float(np.mean(values[-max(1, len(values) // 4) :]))
            for gamma, values in losses.items()
        }
        finite = {g: x for g, x in self.final_losses.items() if math.isfinite(x)}
        self._is_one = len(finite) > 1 and _nearly_one(list(finite.values()))
        is_found = finite and not self._is_one
        self.recommended = min(finite, key=finite.__getitem__) if is_found else None

    def verdict(self) -> str:
        """The recommendation, in words."""
        if self._is_one:
            return (
                "No gamma is better than another: their final losses differ by less "
                "than a thousandth. Is the learning rate too small, or the loss at its "
                "end?"
            )
        if self.recommended is None:
            return (
                "Every gamma diverged: the learning rate is too high for all of them."
            )
        text = f"Recommended: gamma = {self.recommended:g}."
        steps = len(self.losses[self.recommended])
        if self.recommended == max(self.losses):
            text += " It is the largest of those tried; try larger ones."
        if self.recommended < 1 and steps * (1 - self.recommended) < 3:
            text += (
                f" But {steps} steps are few for it, whose velocity remembers "
                f"{1 / (1 - self.recommended):.0f}."
            )
        return text

    def table(self, **options: Any) -> Any:
        """A `rich.table.Table`; `options` are its arguments."""
        import rich.table

        table = rich.table.Table(**options)
        for column in ("gamma", "first loss", "final loss", "lowest loss"):
            table.add_column(column, justify="right")
        for gamma, values in self.losses.items():
            finite = values[np.isfinite(values)]
            if math.isfinite(self.final_losses[gamma]):
                final = f"{self.final_losses[gamma]:.4g}"
            else:
                final = f"diverged in step {len(finite)}"
            lowest = f"{finite.min():.4g}" if len(finite) else "–"
            table.add_row(f"{gamma:g}", f"{values[0]:.4g}", final, lowest)
        return table

    def draw(self, file: str | Path) -> None:
        """Draws the losses over the steps, and what is left at the end."""
        draw_gammas(Path(file), self.losses, self.final_losses, self.recommended)

    def __str__(self) -> str:
        return as_text(self.table()) + self.verdict()


def find_gamma(
    model: keras.Model,
    data: Any,
    gammas: Sequence[float] = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
    steps: int = 100,
    *,
    batch_size: int = 32,
    seed: int = 0,
    verbose: int = 1,
    **fit_arguments: Any,
) -> GammaSearch:
    """Tries gammas on a model, with one compilation, and recommends one.

    The model trains `steps` steps with each gamma, from the weights that it has and on
    the same batches. Between two gammas, weights, the optimizer's state and that of
    random layers are put back in place, so that the training step is compiled once; the
    losses are those of separate trainings, bit for bit. In the end the model is as it
    was, and its step stays compiled.

    What is best in few steps need not be best in many: a large gamma needs some
    1/(1 − γ) steps before it shows what it can do.

    Args:
        model: A `keras.Model` compiled with an optimizer of keras_momentum whose
            gamma is a float.
        data: As `train_data` of `keras_momentum.comparison.compare`; data that shuffle
            by themselves are allowed, as the batches are taken once and kept in memory.
        gammas: Floats in [0, 1]. Defaults to `(0.0, 0.5, 0.8, 0.9, 0.95, 0.99)`.
        steps: An integer >= 1. The number of steps with each. Defaults to `100`.
        batch_size: An integer >= 1, for arrays. Defaults to `32`.
        seed: An integer >= 0, from which the order of arrays follows. Defaults to `0`.
        verbose: 0 or 1. 0: quiet, 1: prints the table. Defaults to `1`.
        **fit_arguments: Other arguments of `fit` that belong to training:
            `class_weight`.

    Returns:
        A `GammaSearch`.

    Raises:
        TypeError: If a schedule or a callable decides the optimizer's gamma.
        ValueError: If an argument is not as said above; if there are no data.

    Example:

    >>> import numpy as np
    >>> import keras_momentum
    >>> x = np.random.default_rng(0).random((64, 4))
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    >>> model.compile(keras_momentum.Momentum(learning_rate=0.01), loss="mse")
    >>> search = keras_momentum.comparison.find_gamma(
    ...     model, (x, x.sum(axis=1)), gammas=(0.0, 0.9), steps=40, verbose=0
    ... )
    >>> search.recommended
    0.9
    """
    movable_optimizers(model, "find_gamma")
    if getattr(model, "steps_per_execution", 1) > 1:
        raise ValueError(
            "find_gamma needs the loss of every step; compile with "
            "`steps_per_execution=1`. Received a model with "
            f"steps_per_execution={model.steps_per_execution}"
        )
    if not len(gammas) or len(set(gammas)) < len(gammas):
        raise ValueError(
            "Argument `gammas` must have at least one float, and none twice. "
            f"Received: gammas={gammas!r}"
        )
    for gamma in gammas:
        arguments.coefficient("gammas", gamma)
    for name in fit_arguments.keys() - {"class_weight"}:
        raise TypeError(
            f"find_gamma() got an unexpected argument `{name}`; of `fit` it takes "
            "class_weight."
        )
    arguments.integer("steps", steps, minimum=1)
    arguments.integer("batch_size", batch_size, minimum=1)
    arguments.integer("seed", seed, minimum=0)
    random_state = RandomState()
    begin = time.perf_counter()
    batches = first_batches(data, batch_size, seed, steps)
    if not model.built:
        model(batches[0][0])
    state = ModelState(model)
    history = getattr(model, "history", None)
    trials = _Trials(gammas, steps)
    try:
        # An epoch for each gamma, as what `fit` does before its first one takes time.
        while trials.left:
            model.fit(
                batches,
                epochs=len(trials.left),
                callbacks=[trials],
                shuffle=False,
                verbose=0,
                **fit_arguments,
            )
    finally:
        state.restore()
        model.history = history
        random_state.restore()
    search = GammaSearch(trials.losses, time.perf_counter() - begin)
    if verbose:
        print(search)
    return search


def _nearly_one(losses: Sequence[float]) -> bool:
    """Whether losses differ by less than a thousandth of the larger one."""
    return max(losses) - min(losses) <= 1e-3 * max(map(abs, losses))


class _Trials(BeginAnew):
    """Begins anew with the next gamma in each epoch, and records its losses.

    Where one is infinite or NaN, `fit` ends, and has to be called again for the rest.

    Attributes:
        left: The gammas that have not been tried.
        losses: The loss of each batch by gamma, NaN from where it diverged on.
    """

    def __init__(self, gammas: Sequence[float], steps: int):
        super().__init__()
        self.left = list(gammas)
        self.losses: dict[float, np.ndarray] = {}
        self._steps = steps

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.begin_anew()
        gamma = self.left.pop(0)
        for optimizer in momentum_optimizers(self.model):
            optimizer.gamma = gamma
        self._current = self.losses[gamma] = np.full(self._steps, np.nan)

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        # Else the loss is the mean of all batches so far.
        self.model.reset_metrics()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        assert logs is not None
        loss = float(logs["loss"])
        if math.isfinite(loss):
            self._current[batch] = loss
        else:
            self.model.stop_training = True
