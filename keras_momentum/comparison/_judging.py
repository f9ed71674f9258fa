"""Which pair of gamma and learning rate is best, and whether gamma matters."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from keras_momentum.comparison._noise import NoiseScale
from keras_momentum.comparison._plane import Trial

# Losses that differ by less, as a share, are the same to anyone.
_SAME = 1e-3
_LEVEL = 0.05
# A batch so many times smaller or larger than the noise scale is far from it.
_FAR = 10
# How much of a loss more still counts as near the best one.
NEAR = 0.05


class Judgement(NamedTuple):
    """What the trials say.

    Attributes:
        best: The trial with the lowest loss of those that trained to the end, if any.
        plain: That of the smallest gamma.
        learns: Whether the best one's loss is below that of the start.
        matters: Whether it is below that of the smallest gamma, too.
    """

    best: Trial | None
    plain: Trial | None
    learns: bool
    matters: bool


def judge(trials: Sequence[Trial], first: np.ndarray, steps: int) -> Judgement:
    """Compares the trials by the batches that are held back.

    Losses differ if a paired t-test over these batches says so, corrected for the
    number of gammas from which the best was taken (Bonferroni), and by more than a
    thousandth.

    Args:
        trials: All trials.
        first: The losses of the batches that judge, at the start.
        steps: The number of steps to the end.
    """
    gammas = {trial.pair.gamma for trial in trials}
    best = _best_of(gammas, trials, steps)
    plain = _best_of({min(gammas)}, trials, steps)
    if best is None:
        return Judgement(None, plain, False, False)
    learns = _is_lower(best.judged, first, len(gammas))
    if len(gammas) == 1 or plain is None:
        # There is nothing to compare it to, or only what diverged.
        return Judgement(best, plain, learns, learns)
    is_other = best.pair.gamma != plain.pair.gamma
    matters = is_other and _is_lower(best.judged, plain.judged, len(gammas) - 1)
    return Judgement(best, plain, learns, learns and matters)


def verdict_of(
    found: Judgement,
    trials: Sequence[Trial],
    first: float,
    steps: int,
    batch_size: int,
    noise: NoiseScale,
) -> str:
    """The judgement in words.

    Args:
        found: The judgement.
        trials: All trials.
        first: The loss at the start.
        steps: The number of steps to the end.
        batch_size: The number of samples in a batch.
        noise: The gradient noise scale at the start.
    """
    if not math.isfinite(first):
        return (
            f"No pair can be named: the loss is {first} before the first update. Look "
            "at the data and the model."
        )
    if found.best is None:
        return (
            "No pair can be named: every one that was trained diverged. The learning "
            "rates are too high for all gammas."
        )
    if not found.learns:
        return (
            f"No pair can be named: in {steps} steps none lowers the loss of "
            f"{first:.4g} by more than noise (the lowest is {found.best.loss:.4g}). "
            "Are the learning rates too small, or is training at its end?"
        )
    edges = _edges(found, trials, steps)
    where = "at these learning rates" if edges else "here"
    parts = [_comparison(found, where), *edges]
    parts.append(f"This holds for {steps} steps from these weights.")
    if found.matters:
        gamma = found.best.pair.gamma
        gammas = {trial.pair.gamma for trial in trials}
        if len(gammas) > 1 and gamma == max(gammas):
            parts.append("It is the largest gamma tried; try larger ones.")
        if steps * (1 - gamma) < 3:
            parts.append(
                f"But {steps} steps are few for a velocity that remembers "
                f"{1 / (1 - gamma):.0f}."
            )
    return " ".join([*parts, _of_noise(batch_size, noise)])


def is_near(trial: Trial, best: Trial) -> bool:
    """Whether the loss is within 5 % of the best one."""
    return trial.loss <= best.loss + NEAR * abs(best.loss)


def _best_of(
    gammas: Collection[float], trials: Sequence[Trial], steps: int
) -> Trial | None:
    """The one with the lowest loss of those that trained to the end."""
    ended = [
        trial
        for trial in trials
        if trial.pair.gamma in gammas and not trial.diverged and trial.steps == steps
    ]
    return min(ended, key=lambda trial: trial.loss, default=None)


def _is_lower(losses: np.ndarray, others: np.ndarray, tests: int) -> bool:
    from scipy import stats

    differences = others - losses
    mean = float(differences.mean())
    if mean <= _SAME * abs(float(others.mean())):
        return False
    if len(differences) < 2 or np.ptp(differences) == 0:
        return True
    p_value = stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue
    return bool(p_value * tests < _LEVEL)


def _comparison(found: Judgement, where: str) -> str:
    best, plain = found.best, found.plain
    assert best is not None
    described = (
        f"gamma = {best.pair.gamma:g} with a learning rate of "
        f"{best.pair.learning_rate:.3g} (effective {best.effective_rate:.3g}): loss "
        f"{best.loss:.4g}"
    )
    if plain is None:
        return f"Best: {described}. Of the smallest gamma none came to the end."
    if best is plain and not found.matters:
        return (
            f"Gamma does not matter {where}: no other is better than {_name(plain)} "
            f"at its own best rate of {plain.pair.learning_rate:.3g}, loss "
            f"{plain.loss:.4g}."
        )
    if best is plain:
        return f"Best: {described}; only one gamma was tried."
    against = (
        f"{plain.loss:.4g} of {_name(plain)} at its own best rate of "
        f"{plain.pair.learning_rate:.3g}"
    )
    gain = (plain.loss - best.loss) / abs(plain.loss) if plain.loss else math.inf
    if found.matters:
        return f"Best: {described}, {gain:.0%} below the {against}."
    if gain > NEAR:
        # A test that does not reject says nothing about a difference of this size.
        return (
            f"Whether gamma matters can't be told: {described}, {gain:.0%} below the "
            f"{against}, but the {len(best.judged)} batches that judge differ by so "
            "much that it may be chance. Take more steps, or let `compare` tell."
        )
    return (
        f"Gamma does not matter {where}: the lowest loss differs from that of "
        f"{_name(plain)} at its own best rate by no more than noise "
        f"({best.loss:.4g} against {against})."
    )


def _name(trial: Trial) -> str:
    gamma = trial.pair.gamma
    return "plain gradient descent" if gamma == 0 else f"gamma = {gamma:g}"


def _edges(found: Judgement, trials: Sequence[Trial], steps: int) -> list[str]:
    """Says whose best rate is at the edge of those tried: a better one may be beyond.

    That gamma matters rests on the best trial and on plain descent; that it does not
    matter, on the best of every gamma.
    """
    compared = [found.best, found.plain] if found.matters else trials
    gammas = sorted({trial.pair.gamma for trial in compared if trial is not None})
    rests_on = [_best_of({gamma}, trials, steps) for gamma in gammas]
    said = []
    for edge, name, way in ((min, "lowest", "lower"), (max, "highest", "higher")):
        owners = []
        for best in filter(None, rests_on):
            rates = {
                trial.pair.learning_rate
                for trial in trials
                if trial.pair.gamma == best.pair.gamma
            }
            if len(rates) > 1 and best.pair.learning_rate == edge(rates):
                owners.append(_name(best))
        if owners:
            said.append(
                f"The best learning rate of {' and '.join(owners)} is the {name} one "
                f"tried; {way} ones may be better."
            )
    return said


def _of_noise(batch_size: int, noise: NoiseScale) -> str:
    if math.isnan(noise.scale):
        return str(noise)
    said = f"the gradient noise scale of about {noise.scale:.2g} samples"
    if batch_size * _FAR <= noise.scale:
        return (
            f"Batches of {batch_size} are far below {said}: they are mostly noise, and "
            "gamma is little more than another way to write the learning rate, "
            "η/(1 − γ)."
        )
    if batch_size >= _FAR * noise.scale:
        return f"Batches of {batch_size} are far above {said}: here gamma can pay."
    return f"Batches of {batch_size} are near {said}: gamma can pay a little."
