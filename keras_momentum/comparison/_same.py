"""Whether all optimizers start from the same and see the same, for each seed."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._batches import Batches
from keras_momentum.comparison._digests import digest
from keras_momentum.comparison._optimizers import within
from keras_momentum.comparison._runs import Run
from keras_momentum.comparison._state import RandomState, value_of


@dataclasses.dataclass
class _Start:
    """What is known of a seed, from the first run that had it."""

    name: str
    weights: str
    # The digest of the batches to the end of so many epochs.
    epochs: dict[int, str] = dataclasses.field(default_factory=dict)
    random: str | None = None
    loss: float | None = None
    batches: Batches | None = None


class Same:
    """What the first run of each seed had, to which all others are held.

    Every method raises `ValueError` with the cause where a run differs.
    """

    def __init__(self) -> None:
        self._starts: dict[int, _Start] = {}

    def finished(self, run: Run) -> None:
        """A run that was finished before."""
        start = self.weights(run.name, run.seed, run.made_of["weights"])
        for epochs, found in enumerate(run.made_of["batches"], 1):
            if start.epochs.setdefault(epochs, found) != found:
                raise _others("had other batches", start.name, run.name, run.seed)
        self._loss(run.name, run.seed, run.made_of.get("first loss"), 0.03)

    def weights(self, name: str, seed: int, weights: str) -> _Start:
        """The weights with which a run starts."""
        start = self._starts.setdefault(seed, _Start(name, weights))
        if start.weights != weights:
            raise ValueError(
                "Argument `build_model` must give all optimizers the same weights for "
                f"seed {seed}, and gave {name!r} others than {start.name!r}: what it "
                "builds shares layers with the models before, which training has "
                "changed, or its weights do not follow from the seed"
            )
        return start

    def random_numbers(self, name: str, seed: int) -> None:
        """The random numbers with which a training begins."""
        start = self._starts[seed]
        found = digest(RandomState().values)
        start.random = start.random or found
        if start.random != found:
            raise _others("began with other random numbers", start.name, name, seed)

    def first_loss(self, name: str, seed: int, loss: float, dtype: str) -> None:
        """The loss of the first batch, before any update."""
        self._loss(name, seed, loss, 1e-3 if "16" not in dtype else 0.03)

    def batches(self, name: str, seed: int, batches: Batches, places: range) -> None:
        """Batches that a run has seen, by their places in it."""
        start = self._starts[seed]
        start.batches = start.batches or batches
        if batches.stream is None or start.batches.stream is None:
            return
        place = batches.stream.first_difference(start.batches.stream, places)
        if place is not None:
            raise ValueError(
                "Argument `train_data` must give the same batches in the same order to "
                f"every optimizer, and gave {name!r} another batch {place} than "
                f"{start.name!r} with seed {seed} (do the data shuffle?); pass a "
                "function that makes them from the seed: train_data=lambda seed: ..."
            )

    def epoch(self, name: str, seed: int, batches: Batches, epochs: int) -> str:
        """The digest of the batches to the end of an epoch."""
        start = self._starts[seed]
        found = batches.digest_of(epochs)
        if start.epochs.setdefault(epochs, found) != found:
            raise _others("had other batches", start.name, name, seed)
        return found

    def _loss(self, name: str, seed: int, loss: float | None, tolerance: float) -> None:
        start = self._starts[seed]
        if loss is None:
            return
        start.loss = loss if start.loss is None else start.loss
        both_broken = not (math.isfinite(loss) or math.isfinite(start.loss))
        close = math.isclose(loss, start.loss, rel_tol=tolerance, abs_tol=1e-6)
        if not (close or both_broken):
            raise ValueError(
                "Argument `build_model` must give a model whose loss follows from "
                f"weights, batch and seed: with seed {seed} the first one was "
                f"{start.loss:.6g} for {start.name!r} and {loss:.6g} for {name!r}, so "
                "that a layer or the loss has random numbers of its own; let it take "
                "them from a keras.random.SeedGenerator"
            )


def check_together(runs: Sequence[Run]) -> None:
    """Raises `ValueError` if runs are of different data, models or lengths."""
    of_seed = ("weights", "batches", "training data")
    first: dict[Any, Run] = {}
    for run in runs:
        for part, value in run.made_of.items():
            if part in ("optimizer", "first loss"):
                continue
            key = (part, run.seed if part in of_seed else None)
            other = first.setdefault(key, run)
            theirs: Any = other.made_of.get(part)
            if part == "batches" and theirs is not None:
                length = min(len(value), len(theirs))
                value, theirs = value[:length], theirs[:length]
            if value != theirs:
                raise ValueError(
                    f"The runs {other.name!r}, seed {other.seed}, and {run.name!r}, "
                    f"seed {run.seed}, differ in their {part} and can't be compared; "
                    "put them into folders of their own."
                )


class Watch(keras.callbacks.Callback):
    """Looks at the beginning of a run: random numbers, first loss, first update.

    Args:
        same: To what the run is held.
        run: The run.
        batches: The batches on which it trains.
        is_first: Whether the run begins, and does not go on.

    Raises:
        ValueError: If it is not the same as the runs before, or if the optimizer does
            no update.
    """

    def __init__(self, same: Same, run: Run, batches: Batches, is_first: bool):
        super().__init__()
        self._same = same
        self._run = run
        self._batches = batches
        self._looks = is_first
        self._epoch = 0
        self._looked_at = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self._looks:
            self._same.random_numbers(self._run.name, self._run.seed)
            self._before = _counts(self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: Mapping[str, Any] | None = None
    ) -> None:
        name, seed = self._run.name, self._run.seed
        end = self._epoch * self._batches.steps + batch + 1
        self._same.batches(name, seed, self._batches, range(self._looked_at, end))
        self._looked_at = end
        if not self._looks:
            return
        self._looks = False
        if self._before and self._before == _counts(self.model):
            raise ValueError(
                "Argument `build_model` must give a model that is trained by the "
                f"optimizer that it is compiled with; {name!r} did no update (does its "
                "`train_step` use optimizers of its own?)"
            )
        loss = (logs or {}).get("loss")
        if loss is not None and not np.ndim(loss) and batch == 0:
            self._run.made_of["first loss"] = float(loss)
            dtype = self.model.compute_dtype
            self._same.first_loss(name, seed, float(loss), dtype)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        name, seed = self._run.name, self._run.seed
        found = self._same.epoch(name, seed, self._batches, epoch + 1)
        self._run.made_of["batches"] = [*self._run.made_of["batches"], found]


def _counts(model: keras.Model) -> list[float]:
    """The numbers that an optimizer changes in each update, or when it skips one."""
    return [
        float(value_of(variable))
        for each in within(model.optimizer)
        for variable in each.variables
        if len(variable.shape) == 0 and "learning_rate" not in variable.path
    ]


def _others(what: str, first: str, second: str, seed: int) -> ValueError:
    return ValueError(
        f"Argument `train_data` must give the same batches to all: {second!r} {what} "
        f"than {first!r} with seed {seed}; if another run of the folder is of other "
        "data, choose another `log_dir`"
    )
