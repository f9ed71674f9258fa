"""The learning rate with which the fewest updates are needed."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from fruits.command_line import picture_file
from fruits.updates_needed import Trainings


class Known(Trainings):
    """Trainings whose updates follow from the learning rate by a formula."""

    def __init__(self, formula: Callable[[float], float]):
        self._formula = formula
        self.asked: list[tuple[float, int]] = []

    def updates(
        self, learning_rate: float, batch_size: int, seed: int, at_most: float = 3000
    ) -> float:
        self.asked.append((learning_rate, seed))
        needed = self._formula(learning_rate)
        return needed if needed <= at_most else math.inf


@pytest.mark.parametrize("first", [0.01, 0.03, 0.1, 0.3, 1.0])
@pytest.mark.parametrize(
    ("best", "diverges_from"),
    [(0.07, math.inf), (0.07, 0.08), (0.3, 0.31), (0.02, math.inf)],
)
def test_the_best_rate_is_found_to_a_twelfth_of_a_decade(
    first: float, best: float, diverges_from: float
) -> None:
    """A valley, in the logarithm of the rate, that may end at a cliff."""

    def needed(rate: float) -> float:
        if rate >= diverges_from:
            return math.inf
        return 100.0 * math.exp(abs(math.log(rate / best)))

    found = Known(needed).best_rate(16, first)
    assert needed(found) <= 100.0 * 10 ** (1.01 / 12)


def test_where_nothing_gets_there_a_rate_is_named_and_the_search_ends() -> None:
    trainings = Known(lambda rate: math.inf)
    trainings.best_rate(16, 0.1)
    assert len(trainings.asked) < 100


def test_the_seeds_that_search_are_not_those_that_judge() -> None:
    trainings = Known(lambda rate: 100.0)
    trainings.best_rate(16, 0.1)
    assert min(seed for _, seed in trainings.asked) >= 1000


def test_a_picture_that_cannot_be_written_is_refused_before_training(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.png").mkdir()
    (tmp_path / "file").touch()
    for name in ("a.png", "no_ending", "b.xyz", "file/b.png"):
        with pytest.raises(argparse.ArgumentTypeError, match="picture|folder"):
            picture_file(str(tmp_path / name))
    picture_file(str(tmp_path / "new" / "folder" / "b.PNG"))
    assert picture_file("~/b.png").is_absolute()
