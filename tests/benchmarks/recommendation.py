"""Whether the best pair of a short search is still good in ten times the steps."""

import keras
import numpy as np

import keras_momentum
from keras_momentum.comparison import GammaSearch, find_gamma
from tests.benchmarks.table import Table

GAMMAS = (0.0, 0.5, 0.9, 0.98)
LONGER = 10
SAMPLES = 4000


def run(steps: int, batch_sizes: list[int], seeds: int) -> None:
    """Measures all and writes the table.

    Args:
        steps: The steps of the short search.
        batch_sizes: The batch sizes.
        seeds: The number of seeds of the long trainings, which the search has not seen.
    """
    table = Table(
        "recommendation",
        f"The best pair of find_gamma after {steps} steps (24 pairs, half of the "
        f"budget), trained for {LONGER * steps} steps with {seeds} other seeds for "
        "weights and batches, beside the best of the plane with these: the losses that "
        "judge, means over the seeds. `last` is the pair whose last tenth of training "
        "losses was the lowest in the short search.",
        (
            *("batch size", "pair", "loss", "best pair", "best loss", "regret"),
            *("regret, last", "regret, plain descent"),
        ),
    )
    for batch_size in batch_sizes:
        short = search(steps, batch_size, seed=0)
        assert short.best is not None
        longs = [
            search(LONGER * steps, batch_size, seed=seed, budget=1.0)
            for seed in range(1, seeds + 1)
        ]
        losses = {
            pair: float(np.mean([each.final_losses[pair] for each in longs]))
            for pair in short.losses
        }
        # What diverged with one seed is as bad as can be.
        losses = {
            pair: loss if np.isfinite(loss) else np.inf for pair, loss in losses.items()
        }
        best = min(losses, key=losses.__getitem__)
        tenth = max(1, steps // 10)
        last = min(
            (trial for trial in short.trials if trial.steps == steps),
            key=lambda trial: float(np.mean(trial.losses[-tenth:])),
        ).pair
        plain = min(loss for pair, loss in losses.items() if pair.gamma == 0)
        table.add(
            str(batch_size),
            f"{short.best.gamma:g}, {short.best.learning_rate:.3g}",
            f"{losses[short.best]:.4f}",
            f"{best.gamma:g}, {best.learning_rate:.3g}",
            f"{losses[best]:.4f}",
            *(
                f"{loss / losses[best] - 1:.1%}"
                for loss in (losses[short.best], losses[last], plain)
            ),
        )
    table.show()


def search(steps: int, batch_size: int, seed: int, budget: float = 0.5) -> GammaSearch:
    """A search on drawn points of two classes, with new weights for each seed."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SAMPLES, 2))
    y = np.sin(3 * x[:, 0]) > x[:, 1]
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(32, "tanh"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(keras_momentum.Momentum(0.1, momentum=0.9), "binary_crossentropy")
    return find_gamma(
        model,
        (x, y),
        GAMMAS,
        steps=steps,
        budget=budget,
        batch_size=batch_size,
        seed=seed,
        verbose=0,
    )
