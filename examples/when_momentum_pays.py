"""Updates that a fruit classifier needs at each batch size, without and with momentum.

    python examples/when_momentum_pays.py [PICTURE] [--quick] [--fruits N] [--seeds N]

A small tanh network learns drawn fruits, without and with batch normalization, until
its loss over all of them is 1.0. At each batch size each optimizer gets the learning
rate with which it needs the fewest updates, searched for to a twelfth of a decade with
two seeds, and is judged by others: their median and their range. The loss is looked at
after counts of updates that are 5 % apart. (Shallue et al. 2019, "Measuring the effects
of data parallelism on neural network training".)
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

# TensorFlow says much when it is imported; the network is too small for a GPU.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import numpy as np
from fruits.updates_needed import OPTIMIZERS, PLAIN, TARGET, Trainings

from keras_momentum import drawing

# As many of each of the 13 kinds.
FRUITS, SEEDS = 2002, 5
# And all fruits at once.
BATCH_SIZES = (16, 64, 256)
CHOSEN = "Momentum 0.9"


class Task(NamedTuple):
    """What one process does: an optimizer at all batch sizes."""

    optimizer: str
    normalized: bool
    sizes: tuple[int, ...]
    fruits: int
    seeds: int


class Needed(NamedTuple):
    """The updates that an optimizer needs at a batch size.

    Attributes:
        learning_rate: The one that was found.
        updates: A number for each seed, infinite where the loss was not reached.
    """

    learning_rate: float
    updates: list[float]

    @property
    def median(self) -> float:
        return float(np.median(self.updates))


def measure(task: Task) -> dict[int, Needed]:
    """What the optimizer needs at each batch size."""
    trainings = Trainings(task.optimizer, task.normalized, task.fruits)
    rate = trainings.first_rate
    found = {}
    # From the largest one, where the fewest updates are needed.
    for size in sorted(task.sizes, reverse=True):
        rate = trainings.best_rate(size, rate)
        updates = [trainings.updates(rate, size, seed) for seed in range(task.seeds)]
        found[size] = Needed(rate, updates)
        print(
            f"{_name(task.normalized)}  {task.optimizer:13}  batch {size:4}  "
            f"η {rate:<7.3g}  {found[size].median:4.0f} updates "
            f"({min(updates):.0f} to {max(updates):.0f})",
            flush=True,
        )
    return found


def noise_scales(normalized: bool, fruits: int) -> list[float]:
    """Where plain descent starts, and where it ends."""
    return Trainings(PLAIN, normalized, fruits).noise_scales()


def _name(normalized: bool) -> str:
    return f"{'with' if normalized else 'without'} batch normalization"


def verdict(found: dict[Task, dict[int, Needed]]) -> str:
    """What momentum 0.9, chosen beforehand, needs of the updates of plain descent."""

    def share(normalized: bool, size: int) -> str:
        chosen, plain = (
            needed[size].median
            for name in (CHOSEN, PLAIN)
            for task, needed in found.items()
            if task[:2] == (name, normalized)
        )
        return f"{chosen / plain:.0%}"

    sizes = next(iter(found)).sizes
    small, large = min(sizes), max(sizes)
    return (
        f"Without batch normalization momentum 0.9 needs {share(False, large)} of the "
        f"updates of plain descent in batches of {large:,}, and {share(False, small)} "
        f"in batches of {small}; with it, {share(True, large)} and "
        f"{share(True, small)}."
    )


def draw(
    file: Path,
    found: dict[Task, dict[int, Needed]],
    scales: dict[bool, list[float]],
) -> None:
    """The updates over the batch size, each network by itself."""
    with drawing.picture(file, verdict(found), height=8.5) as figure:
        for axes, normalized in zip(
            figure.subplots(2, sharex=True), scales, strict=True
        ):
            axes.axvspan(*sorted(scales[normalized]), color="0.93", zorder=0)
            axes.set(xscale="log", yscale="log")
            for (task, needed), colour in zip(
                ((t, n) for t, n in found.items() if t.normalized is normalized),
                drawing.COLOURS,
                strict=False,
            ):
                sizes = list(task.sizes)
                updates = np.array([needed[size].updates for size in sizes])
                median = [needed[size].median for size in sizes]
                drawing.line(axes, sizes, median, task.optimizer, colour, marker="o")
                low, high = updates.min(axis=1), updates.max(axis=1)
                axes.fill_between(sizes, low, high, color=colour, alpha=0.15, lw=0)
                if task.optimizer == PLAIN:
                    perfect = median[0] * sizes[0] / np.array(sizes)
                    drawing.line(
                        axes, sizes, perfect, "half for twice the batch", ls="--"
                    )
            axes.set_title(
                f"{_name(normalized).capitalize()}; grey: the gradient noise scale, "
                f"{min(scales[normalized]):.0f} to {max(scales[normalized]):.0f}"
            )
            axes.set_ylabel(f"updates to a loss of {TARGET:g}")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("batch size")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "picture", type=Path, nargs="?", default="when_momentum_pays.png"
    )
    parser.add_argument(
        "--quick", action="store_true", help="two optimizers, two batch sizes"
    )
    parser.add_argument("--fruits", type=int, default=FRUITS, help="pictures of fruit")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="trainings of each")
    given = parser.parse_args()
    sizes = (*((16,) if given.quick else BATCH_SIZES), given.fruits)
    tasks = [
        Task(name, normalized, sizes, given.fruits, given.seeds)
        for normalized in (False, True)
        for name in ((PLAIN, CHOSEN) if given.quick else OPTIMIZERS)
    ]
    # A new process each, as TensorFlow can't be forked.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        scales = [pool.submit(noise_scales, each, given.fruits) for each in (False, True)]
        found = dict(zip(tasks, pool.map(measure, tasks), strict=True))
    draw(
        given.picture,
        found,
        {False: scales[0].result(), True: scales[1].result()},
    )
    print(f"{verdict(found)}\nPicture: {given.picture}")


if __name__ == "__main__":
    main()
