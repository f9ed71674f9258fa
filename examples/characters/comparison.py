"""The comparison of optimizers that each have the best learning rate found for them."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras

from characters.model import build_model
from characters.text import Sequences, Text, library_files, read_text
from keras_momentum import AdEMAMix, MomentumAdam, Muon
from keras_momentum.comparison import Comparison, compare
from keras_momentum.schedules import LinearRamp

LENGTH, WIDTH, BATCH_SIZE = 48, 48, 32
FACTOR = 2.0
# Not those with which the optimizers are compared.
FIRST_SEARCH_SEED = 1000


def muon(learning_rate: Any, momentum: Any) -> Muon:
    """Muon for the matrices between embedding and head, Adam for the rest."""
    return Muon(
        learning_rate,
        momentum,
        exclude=["head"],
        adam_lr_ratio=0.3,
        weight_decay=None,
        adam_weight_decay=None,
    )


# How each is made of a learning rate and the number of updates, and the rate with which
# the search begins. adam_lr_ratio, beta_3 and beta_1 were chosen beforehand by single
# trainings and the validation files, of two to four values each; one of their seeds is
# among those that are compared.
OPTIMIZERS: dict[str, tuple[Callable[[Any, int], Any], float]] = {
    "Muon, 0.95": (lambda rate, updates: muon(rate, 0.95), 0.032),
    # As in the records of training GPT-2, over the first fifth.
    "Muon, 0.85 → 0.95": (
        lambda rate, updates: muon(rate, LinearRamp(0.85, 0.95, steps=updates // 5)),
        0.032,
    ),
    # The usual 0.9999 hardly gets going in so few updates.
    "AdEMAMix": (
        lambda rate, updates: AdEMAMix.with_warmup(updates, rate, beta_3=0.98),
        0.008,
    ),
    "MomentumAdam": (lambda rate, updates: MomentumAdam(rate, beta_1=0.8), 0.016),
}


class Setting(NamedTuple):
    """How much is trained.

    Attributes:
        folder: Where the results go; what is there already is not done again.
        updates: Of a training, a multiple of `epochs`.
        epochs: The number of parts of a training after which it is judged.
        search_seeds: The number of trainings with each learning rate.
        seeds: The number of trainings of each optimizer that are compared.
        held_back: The number of sequences that judge.
        blocks: Of the model.
    """

    folder: Path
    updates: int
    epochs: int
    search_seeds: int
    seeds: int
    held_back: int
    blocks: int

    def text(self) -> Text:
        return read_text(library_files(), LENGTH, self.held_back)

    def compare(
        self,
        rates: Mapping[str, tuple[str, float]],
        folder: str,
        data: tuple[Text, Sequences],
        seeds: Sequence[int],
        verbose: int = 0,
    ) -> Comparison:
        """Trains optimizers, by label, each with a learning rate."""
        text, judging = data
        return compare(
            lambda: build_model(text.characters, LENGTH, WIDTH, blocks=self.blocks),
            {
                label: OPTIMIZERS[name][0](self._decaying(rate), self.updates)
                for label, (name, rate) in rates.items()
            },
            text.training,
            judging,
            epochs=self.epochs,
            steps_per_epoch=self.updates // self.epochs,
            batch_size=BATCH_SIZE,
            seeds=seeds,
            log_dir=self.folder / folder,
            verbose=verbose,
        )

    def _decaying(self, rate: float) -> keras.optimizers.schedules.CosineDecay:
        """Up to a rate in the first tenth, then down to 0 on half a cosine."""
        warmup = max(1, self.updates // 10)
        return keras.optimizers.schedules.CosineDecay(
            rate / 10,
            decay_steps=self.updates - warmup,
            warmup_target=rate,
            warmup_steps=warmup,
        )


def best_rate(name: str, setting: Setting) -> float:
    """The learning rate with the lowest mean loss, between two that are worse."""
    text = setting.text()
    seeds = range(FIRST_SEARCH_SEED, FIRST_SEARCH_SEED + setting.search_seeds)
    places = [-1, 0, 1]
    while True:
        rates = {place: OPTIMIZERS[name][1] * FACTOR**place for place in sorted(places)}
        found = setting.compare(
            {f"{rate:.3g}": (name, rate) for rate in rates.values()},
            f"search/{name}",
            (text, text.validation),
            seeds,
        )
        rows = {row.name: row for row in found.rows()}
        losses = {}
        for place, rate in rates.items():
            row = rows[f"{rate:.3g}"]
            losses[place] = math.inf if row.diverged else row.final.mean
        best = min(losses, key=lambda place: losses[place])
        if min(places) < best < max(places):
            break
        places.append(best - 1 if best == min(places) else best + 1)
    tried = ", ".join(f"{rates[place]:.3g}: {losses[place]:.3f}" for place in losses)
    print(f"{name}: {rates[best]:.3g} ({tried})", flush=True)
    return rates[best]


def train(rates: Mapping[str, float], setting: Setting, verbose: int) -> None:
    """The runs of the comparison that no other process does."""
    text = setting.text()
    setting.compare(
        {f"{name}, η {rate:.2g}": (name, rate) for name, rate in rates.items()},
        "compared",
        (text, text.test),
        range(setting.seeds),
        verbose,
    )


def verdict(comparison: Comparison) -> str:
    """From which the best one can be told, and from which it can't."""
    best, *others = [row.name for row in comparison.rows()]
    worse = [each.higher for each in comparison.differences() if each.lower == best]
    told, alike = (
        " and ".join(name for name in others if (name in worse) == wanted)
        for wanted in (True, False)
    )
    seeds = len(comparison.seeds)
    return f"{best} ends lowest; {seeds} seeds tell it from {told or 'none'}" + (
        f", and not from {alike}." if alike else "."
    )
