"""What a search over the plane says, of trials that were never trained."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_momentum.comparison import GammaSearch, NoiseScale, Pair
from keras_momentum.comparison._halving import Rung, rungs_of
from keras_momentum.comparison._plane import Trial

STEPS, BATCH = 400, 32
FIRST = np.linspace(0.9, 1.1, 8)
NOISE = np.array([0.03, -0.02, 0.01, -0.01, 0.02, -0.03, 0.0, 0.0])


def trial(
    gamma: float, rate: float, loss: float, noise: float = 1.0, steps: int = STEPS
) -> Trial:
    losses = np.full(STEPS, np.nan)
    losses[:steps] = np.linspace(1.0, 0.5, steps)
    # Batches are hard and easy for all; `noise` is what the pair adds.
    judged = loss * FIRST + loss * noise * NOISE
    return Trial(
        Pair(gamma, rate),
        rate / (1 - gamma),
        losses,
        judged,
        steps,
        diverged=math.isnan(loss),
    )


def search(*trials: Trial, scale: float = math.nan) -> GammaSearch:
    noise = NoiseScale(scale, 1.0, scale, 8, 32)
    return GammaSearch(trials, FIRST, STEPS, BATCH, noise, 1.0)


def plane(of_09: float, noise: float = 1.0) -> tuple[Trial, ...]:
    return (
        trial(0.0, 0.1, 0.6),
        trial(0.0, 0.5, 0.5),
        trial(0.0, 1.0, 0.7),
        trial(0.9, 0.01, 0.75),
        trial(0.9, 0.05, of_09, noise),
        trial(0.9, 0.1, math.nan),
        trial(0.98, 0.001, 0.8, steps=100),
        trial(0.98, 0.002, 0.6),
        trial(0.98, 0.02, math.nan),
    )


def test_the_gain_is_over_plain_descent_at_its_own_best_rate() -> None:
    found = search(*plane(0.25))
    assert found.recommended == found.best == (0.9, 0.05)
    assert found.recommended.gamma == 0.9
    assert "50% below the 0.5 of plain gradient descent" in found.verdict()
    assert "its own best rate of 0.5" in found.verdict()
    assert "400 steps" in found.verdict()
    assert "try" not in found.verdict()


def test_a_difference_within_noise_is_no_recommendation() -> None:
    found = search(*plane(0.495, noise=-1.0))
    assert found.best == (0.9, 0.05)
    assert found.recommended is None
    assert "Gamma does not matter here" in found.verdict()


def test_a_large_difference_within_noise_is_not_called_none() -> None:
    found = search(*plane(0.3, noise=-80.0))
    assert found.best == (0.9, 0.05)
    assert found.recommended is None
    assert "Whether gamma matters can't be told" in found.verdict()
    assert "40% below the 0.5 of plain gradient descent" in found.verdict()
    assert "does not matter" not in found.verdict()


def test_a_plain_descent_that_is_best_is_no_recommendation() -> None:
    found = search(*plane(0.7))
    assert found.best == (0.0, 0.5)
    assert found.recommended is None
    assert "Gamma does not matter here: no other is better" in found.verdict()


@pytest.mark.parametrize("loss", [1.0, 0.9995, 1.2])
def test_losses_that_do_not_fall_are_said_to_be(loss: float) -> None:
    found = search(trial(0.0, 1e-9, 1.0, 0.0), trial(0.9, 1e-9, loss, 0.0))
    assert found.recommended is None
    assert "none lowers the loss" in found.verdict()


def test_that_all_diverged_is_said() -> None:
    found = search(trial(0.0, 1.0, math.nan), trial(0.9, 1.0, math.nan))
    assert found.best is found.recommended is None
    assert "diverged" in found.verdict()


def test_a_loss_that_is_no_number_at_the_start_is_not_laid_on_the_rates() -> None:
    trials = (trial(0.0, 0.1, math.nan), trial(0.9, 0.1, math.nan))
    noise = NoiseScale(math.nan, 1.0, math.nan, 8, 32)
    found = GammaSearch(trials, FIRST * math.nan, STEPS, BATCH, noise, 1.0)
    assert "the loss is nan before the first update" in found.verdict()
    assert "too high" not in found.verdict()


def test_a_trial_that_ended_early_is_not_the_best() -> None:
    found = search(trial(0.0, 0.1, 0.5), trial(0.0, 0.2, 0.1, steps=100))
    assert found.best == (0.0, 0.1)


@pytest.mark.parametrize(
    ("of_plain", "of_09", "said"),
    [
        # That gamma matters rests on the best pair and on plain descent.
        ((0.6, 0.5, 0.6), (0.4, 0.3, 0.2), "of gamma = 0.9 is the highest"),
        ((0.6, 0.5, 0.6), (0.2, 0.3, 0.4), "of gamma = 0.9 is the lowest"),
        ((0.6, 0.5, 0.4), (0.4, 0.2, 0.4), "of plain gradient descent is the highest"),
        ((0.4, 0.5, 0.6), (0.4, 0.2, 0.4), "of plain gradient descent is the lowest"),
        (
            (0.6, 0.5, 0.4),
            (0.4, 0.3, 0.2),
            "of plain gradient descent and gamma = 0.9 is the highest",
        ),
        # That it does not matter rests on all.
        ((0.6, 0.5, 0.4), (0.6, 0.5, 0.6), "of plain gradient descent is the highest"),
        ((0.6, 0.3, 0.6), (0.6, 0.5, 0.4), "of gamma = 0.9 is the highest"),
        ((0.6, 0.3, 0.6), (0.4, 0.5, 0.6), "of gamma = 0.9 is the lowest"),
        ((0.6, 0.3, 0.3), (0.4, 0.3, 0.3), ""),
        # What is beyond a rate that diverges is known.
        ((0.6, 0.5, math.nan), (0.4, 0.3, math.nan), ""),
    ],
)
def test_a_best_rate_at_the_edge_is_said(
    of_plain: tuple[float, ...], of_09: tuple[float, ...], said: str
) -> None:
    found = search(
        *(trial(0.0, 0.1 * (1 + i), loss) for i, loss in enumerate(of_plain)),
        *(trial(0.9, 0.01 * (1 + i), loss) for i, loss in enumerate(of_09)),
    )
    verdict = found.verdict()
    assert said in verdict
    assert ("may be better" in verdict) == bool(said)
    assert "does not matter here" not in verdict or not said


def test_the_largest_gamma_is_said_to_be() -> None:
    found = search(trial(0.0, 0.1, 0.5), trial(0.9, 0.1, 0.3), trial(0.9, 0.2, 0.2))
    assert "the largest gamma tried" in found.verdict()
    found = search(trial(0.0, 0.1, 0.5), trial(0.995, 0.1, 0.3))
    assert "400 steps are few" in found.verdict()


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (3200.0, "far below"),
        (3.0, "far above"),
        (50.0, "near"),
        (math.nan, "can't be resolved"),
    ],
)
def test_batches_are_set_beside_the_noise_scale(scale: float, said: str) -> None:
    assert said in search(*plane(0.25), scale=scale).verdict()


def test_no_verdict_has_the_word_that_claims_too_much() -> None:
    for found in (search(*plane(0.25)), search(*plane(0.7))):
        assert "ecommended" not in str(found)


def test_the_table_says_what_ended_early_and_what_diverged() -> None:
    text = str(search(*plane(0.25)))
    assert text.count("diverged") == 2
    assert " 100 " in text


@pytest.mark.parametrize(
    "trials",
    [
        plane(0.25),
        (trial(0.0, 0.1, 0.5),),
        (trial(0.0, 1.0, math.nan), trial(0.9, 1.0, math.nan)),
    ],
    ids=["plane", "one", "all diverged"],
)
def test_the_plane_is_drawn(tmp_path: Path, trials: tuple[Trial, ...]) -> None:
    search(*trials).draw(tmp_path / "plane.png")
    with Image.open(tmp_path / "plane.png") as picture:
        assert picture.width > 800
        colours = len(np.unique(np.asarray(picture.convert("L"))))
    assert colours > 20


def test_tensorboard_gets_the_losses_the_picture_and_the_pairs(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from tensorboard.backend.event_processing import event_multiplexer

    (tmp_path / "mine").write_text("kept")
    search(*plane(0.25)).to_tensorboard(tmp_path)
    events = event_multiplexer.EventMultiplexer().AddRunsFromDirectory(str(tmp_path))
    events.Reload()
    runs = events.Runs()
    assert len(runs) == 10
    assert "plane" in runs["."]["tensors"]
    tags = runs["gamma=0.9,learning_rate=0.05"]["tensors"]
    assert {"batch_loss", "final_loss"} <= set(tags)
    assert (tmp_path / "mine").read_text() == "kept"


def test_halving_keeps_the_most_that_the_budget_allows() -> None:
    assert rungs_of(6, 100, 1.0) == [Rung(6, 25), Rung(6, 50), Rung(6, 100)]
    # 6 · 25 + 3 · 25 + 1 · 50 = 275 of 600 steps.
    assert rungs_of(6, 100, 0.5) == [Rung(6, 25), Rung(3, 50), Rung(1, 100)]
    assert rungs_of(1, 100, 1.0)[-1] == Rung(1, 100)
    assert rungs_of(4, 1, 1.0) == [Rung(4, 1)]
    assert rungs_of(6, 100, 0.01) == [Rung(6, 25), Rung(1, 50), Rung(1, 100)]
