"""Comparisons in which every optimizer has the best learning rate found for it."""

from collections.abc import Sequence
from pathlib import Path

import keras

from fruits.config import Config
from fruits.data import FruitData
from fruits.optimizers import callbacks_of, optimizer_of
from keras_momentum.comparison import Candidate, Comparison, compare

FACTOR = 3.0
# Not one of those with which the optimizers are compared.
SEARCH_SEED = 1000


class TunedComparison:
    """Optimizers on fruits, each with the best learning rate found for it.

    Args:
        base: What to train on, and for how long.
        folder: Where the results go; what is there already is not done again.
        rates: How many learning rates are tried for each.

    Attributes:
        judged_by: The split by which they are compared.
    """

    def __init__(self, base: Config, folder: Path, rates: int):
        keras.config.set_dtype_policy(base.training.precision)
        self._base = base
        self._folder = folder
        self._rates = rates
        self._data = FruitData(base)
        self._data.report()
        self._evaluated = self._data.evaluation()
        self.judged_by = list(self._evaluated)[-1]

    def run(
        self, candidates: dict[str, Config], seeds: int, target: float
    ) -> Comparison:
        """Searches, trains with other seeds, and prints the table.

        Args:
            candidates: How to optimize, by name.
            seeds: The number of trainings of each.
            target: The accuracy to which steps and seconds are counted.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._data.write_left_out(self._folder)
        tuned = {}
        for name, candidate in candidates.items():
            rate = self._best_rate(name, candidate)
            label = f"{name}, η {rate:.2g}"
            tuned[label] = self._with(candidate, rate)
        print(f"Now {seeds} seeds of each, judged by the {self.judged_by} pictures.")
        return self._compare(
            tuned, "compared", self.judged_by, range(seeds), target=target
        )

    def _best_rate(self, name: str, candidate: Config) -> float:
        """The learning rate with the best validation accuracy."""
        rates = rates_around(candidate.optimizer.learning_rate, self._rates)
        labels = {f"{rate:.3g}": rate for rate in rates}
        tried = {label: self._with(candidate, rate) for label, rate in labels.items()}
        found = self._compare(
            tried, f"search/{name}", "validation", [SEARCH_SEED], verbose=0
        )
        rows = {row.name: row for row in found.rows()}
        best = next(iter(rows))
        at_the_end = (
            ", the last of them" if labels[best] in (rates[0], rates[-1]) else ""
        )
        accuracies = ", ".join(
            f"{label}: {rows[label].final.mean:.3f}" for label in tried
        )
        print(f"{name}: {best}{at_the_end} ({accuracies})", flush=True)
        return labels[best]

    def _with(self, candidate: Config, learning_rate: float) -> Config:
        """A candidate's way to optimize, with a learning rate, on the data."""
        rate = {"learning_rate": learning_rate}
        parts = {
            "optimizer": candidate.optimizer.model_copy(update=rate),
            "gamma_ramp": candidate.gamma_ramp,
            "one_cycle": candidate.one_cycle,
        }
        return self._base.model_copy(update=parts)

    def _compare(
        self,
        configs: dict[str, Config],
        folder: str,
        split: str,
        seeds: Sequence[int],
        *,
        target: float | None = None,
        verbose: int = 1,
    ) -> Comparison:
        steps = self._data.steps_per_epoch
        return compare(
            lambda: self._data.compiled_model(keras.optimizers.SGD()),
            {
                name: Candidate(optimizer_of(config, steps), callbacks_of(config))
                for name, config in configs.items()
            },
            self._data.training,
            self._evaluated[split],
            epochs=self._base.training.epochs,
            steps_per_epoch=steps,
            seeds=list(seeds),
            log_dir=self._folder / folder,
            target=target,
            metric="val_accuracy",
            verbose=verbose,
        )


def rates_around(middle: float, count: int) -> list[float]:
    """So many learning rates, a factor of 3 apart.

    Of an even number, one more lies above the middle than below it.
    """
    lowest = -((count - 1) // 2)
    return [middle * FACTOR ** (lowest + i) for i in range(count)]
