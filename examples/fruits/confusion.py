"""How often each class is taken for each other."""

import csv
import dataclasses
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True)
class ClassScore:
    """How well a class is recognised; a share of nothing is `None`.

    Attributes:
        name: The class.
        pictures: How many there are of it.
        precision: The share of the pictures taken for it that are of it.
        recall: The share of its pictures that are recognised.
        f1: The harmonic mean of the two; 0 where nothing is taken for it.
    """

    name: str
    pictures: int
    precision: float | None
    recall: float | None
    f1: float | None


class Confusion:
    """A table of the pictures by what they are and by what was seen in them.

    Args:
        labels: The number of the class of each picture.
        guesses: The number of the class that was seen.
        classes: The names of the classes.

    Attributes:
        counts: An array (what it was, what was seen) of numbers of pictures.
        classes: The names of the classes.
    """

    def __init__(self, labels: np.ndarray, guesses: np.ndarray, classes: list[str]):
        self.classes = classes
        size = len(classes)
        pairs = np.bincount(labels * size + guesses, minlength=size**2)
        self.counts = pairs.reshape(size, size)

    def shares(self) -> np.ndarray:
        """The counts as shares of their row; NaN where a class has no pictures."""
        rows = self.counts.sum(axis=1, keepdims=True)
        empty = np.full(self.counts.shape, np.nan)
        return np.divide(self.counts, rows, out=empty, where=rows > 0)

    def mistakes(self, most: int) -> list[tuple[str, str, int]]:
        """The most frequent ones, as (what it was, what was seen, how often)."""
        wrong = self._wrong().ravel()
        order = np.argsort(-wrong, kind="stable")[:most]
        places = [divmod(int(i), len(self.classes)) for i in order if wrong[i]]
        return [
            (self.classes[actual], self.classes[guess], int(self.counts[actual, guess]))
            for actual, guess in places
        ]

    def most_mistaken(self, most: int) -> np.ndarray:
        """The numbers of the classes with the most mistakes, in ascending order."""
        wrong = self._wrong()
        mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
        return np.sort(np.argsort(-mistakes, kind="stable")[:most])

    def scores(self) -> list[ClassScore]:
        """A score for each class, in their order."""
        rows = zip(
            self.classes,
            self.counts.diagonal().tolist(),
            self.counts.sum(axis=1).tolist(),
            self.counts.sum(axis=0).tolist(),
            strict=True,
        )
        return [
            ClassScore(
                name=name,
                pictures=pictures,
                precision=_share(right, taken),
                recall=_share(right, pictures),
                f1=_share(2 * right, pictures + taken) if pictures else None,
            )
            for name, right, pictures, taken in rows
        ]

    def worst(self) -> list[ClassScore]:
        """The scores, worst first; those of classes without pictures come last."""
        return sorted(
            self.scores(), key=lambda score: 2.0 if score.f1 is None else score.f1
        )

    def write(self, file: Path) -> None:
        """Writes the scores as CSV, with an empty cell for a share of nothing."""
        fields = [field.name for field in dataclasses.fields(ClassScore)]
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["class", *fields[1:]])
            writer.writerows(map(dataclasses.astuple, self.scores()))

    def _wrong(self) -> np.ndarray:
        return self.counts - np.diag(self.counts.diagonal())


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
