"""Trials on one compiled step: each goes on where it stopped, and is judged."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_momentum._numbers import number
from keras_momentum.callbacks.momentum_optimizers import momentum_optimizers
from keras_momentum.comparison._batches import KeptBatches
from keras_momentum.comparison._halving import Rung
from keras_momentum.comparison._noise import size_of
from keras_momentum.comparison._parts import Part, Parts
from keras_momentum.comparison._plane import Pair, Trial
from keras_momentum.comparison._state import ModelState


class Trials:
    """Makes the trials of a row, with the model's one compiled step.

    Args:
        model: A compiled model.
        batches: Those of training, and behind them those that judge.
        steps: The number of batches of training.
        fit_arguments: Arguments of `fit`.

    Attributes:
        first: The losses of the batches that judge, at the weights of the start.
    """

    def __init__(
        self,
        model: keras.Model,
        batches: KeptBatches,
        steps: int,
        fit_arguments: dict[str, Any],
    ):
        self._model = model
        self._training = [batches[place] for place in range(steps)]
        self._judges = [batches[place] for place in range(steps, len(batches))]
        # Not yet: on torch, the first `fit` of a model uses random numbers.
        self._start: ModelState | None = None
        self._fit_arguments = fit_arguments
        rates = [number(each.learning_rate) for each in momentum_optimizers(model)]
        self._ratios = [rate / rates[0] if rates[0] else 1.0 for rate in rates]
        (part,) = self._run([None], [None], 0, 0)
        self.first = part.judged

    def make(self, row: Sequence[Trial], rungs: Sequence[Rung]) -> list[Trial]:
        """Trains them, and after each rung only those with the lowest losses."""
        made = list(row)
        states: dict[int, ModelState | None] = {}
        begin = 0
        for rung in rungs:
            alive = [place for place, trial in enumerate(made) if not trial.diverged]
            if begin:
                alive.sort(key=lambda place: made[place].loss)
            chosen = sorted(alive[: rung.trials])
            # Those of the others are not needed any more.
            kept = [states.pop(place, None) for place in chosen]
            states.clear()
            pairs = [None if begin else made[place].pair for place in chosen]
            parts = self._run(pairs, kept, begin, rung.end)
            for place, part in zip(chosen, parts, strict=True):
                made[place] = self._after(made[place], part, begin)
                states[place] = part.state
            begin = rung.end
        return made

    def _after(self, trial: Trial, part: Part, begin: int) -> Trial:
        losses = trial.losses.copy()
        losses[begin : begin + len(part.losses)] = part.losses
        first, last = float(self.first.mean()), float(part.judged.mean())
        return dataclasses.replace(
            trial,
            losses=losses,
            judged=part.judged,
            steps=begin + len(part.losses),
            diverged=not math.isfinite(last) or last > first + abs(first),
        )

    def _run(
        self,
        pairs: Sequence[Pair | None],
        states: Sequence[ModelState | None],
        begin: int,
        end: int,
    ) -> list[Part]:
        """The same batches for each state, an epoch for each.

        Args:
            pairs: What is set at first; `None` to go on with what there is.
            states: The states from which they begin; `None` for that of the start.
            begin: The number of the first batch.
            end: The number of the one behind the last.
        """
        given = [*self._training[begin:end], *self._judges]
        sizes = [size_of(batch) for batch in given]
        callback = Parts(
            pairs, states, self._start, self._ratios, sizes, len(self._judges)
        )
        batches = KeptBatches(given)
        # Where training diverges `fit` ends, and is called again for the rest.
        while callback.left:
            self._model.fit(
                batches,
                epochs=callback.left,
                callbacks=[callback],
                shuffle=False,
                verbose=0,
                **self._fit_arguments,
            )
        self._start = callback.start
        return callback.done
