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
import math
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

# TensorFlow says much when it is imported; the network is too small for a GPU.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
# One process for each core, with one thread.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
import numpy as np

from fruits.command_line import picture_file
from fruits.updates_needed import OPTIMIZERS, PLAIN, TARGET, Trainings
from keras_momentum import drawing

# As many of each of the 13 kinds.
FRUITS = 2002
# And all fruits at once.
BATCH_SIZES, QUICK = (16, 64, 256), (64,)
CHOSEN = "Momentum 0.9"
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000)


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


Found = dict[bool, dict[str, dict[int, Needed]]]


def measure(
    optimizer: str, normalized: bool, sizes: tuple[int, ...], seeds: int
) -> dict[int, Needed]:
    """What an optimizer needs at each batch size; the largest one has all fruits."""
    trainings = Trainings(optimizer, normalized, max(sizes))
    rate = trainings.first_rate
    found = {}
    # From the largest one, where the fewest updates are needed.
    for size in sorted(sizes, reverse=True):
        rate = trainings.best_rate(size, rate)
        updates = [trainings.updates(rate, size, seed) for seed in range(seeds)]
        found[size] = Needed(rate, updates)
        print(
            f"{name_of(normalized):27}  {optimizer:13}  batch {size:4}  "
            f"η {rate:<7.3g}  {found[size].median:4.0f} updates "
            f"({min(updates):.0f} to {max(updates):.0f})",
            flush=True,
        )
    return found


def noise_scales(normalized: bool, fruits: int) -> list[float]:
    """Where plain descent starts, and where it ends."""
    return Trainings(PLAIN, normalized, fruits).noise_scales()


def verdict(found: Found) -> str:
    """What momentum 0.9, chosen beforehand, needs of the updates of plain descent."""

    def share(normalized: bool, size: int) -> str:
        chosen, plain = (
            found[normalized][name][size].median for name in (CHOSEN, PLAIN)
        )
        known = chosen < math.inf and plain < math.inf
        return f"{chosen / plain:.0%}" if known else "an unknown share"

    sizes = found[False][PLAIN]
    small, large = min(sizes), max(sizes)
    return (
        f"Without batch normalization momentum 0.9 needs {share(False, large)} of the "
        f"updates of plain descent in batches of {large:,}, and {share(False, small)} "
        f"in batches of {small}; with it, {share(True, large)} and "
        f"{share(True, small)}."
    )


def draw(file: Path, found: Found, scales: dict[bool, list[float]]) -> None:
    """The updates over the batch size, each network by itself."""
    sizes = sorted(found[False][PLAIN])
    with drawing.picture(file, verdict(found), height=8.5) as figure:
        panels = figure.subplots(2, sharex=True)
        for axes, (normalized, of_all) in zip(panels, found.items(), strict=True):
            axes.set(
                xscale="log", yscale="log", ylabel=f"updates to a loss of {TARGET:g}"
            )
            for name, colour in zip(of_all, drawing.COLOURS, strict=False):
                draw_updates(axes, of_all[name], name, colour)
            first = of_all[PLAIN][sizes[0]].median * sizes[0]
            perfect = [first / size for size in sizes]
            drawing.line(axes, sizes, perfect, "half for twice the batch", ls="--")
            start, end = scales[normalized]
            if math.isfinite(start + end):
                axes.axvspan(start, end, color="0.93", zorder=0)
            axes.set_title(
                f"{name_of(normalized).capitalize()}; grey: the gradient noise scale, "
                f"from start to end {start:.0f} to {end:.0f}"
            )
            low, high = axes.get_ylim()
            shown = [tick for tick in TICKS if low <= tick <= high]
            axes.set_yticks(shown, [f"{tick:,}" for tick in shown])
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.minorticks_off()
        panels[-1].set_xlabel("batch size")


def draw_updates(axes: Any, needed: dict[int, Needed], name: str, colour: str) -> None:
    """Medians, and the range of the seeds where all of them got there."""
    sizes = sorted(needed)
    drawing.line(
        axes, sizes, [needed[size].median for size in sizes], name, colour, marker="o"
    )
    got_there = [size for size in sizes if max(needed[size].updates) < math.inf]
    axes.fill_between(
        got_there,
        [min(needed[size].updates) for size in got_there],
        [max(needed[size].updates) for size in got_there],
        color=colour,
        alpha=0.15,
        linewidth=0,
    )


def name_of(normalized: bool) -> str:
    return f"{'with' if normalized else 'without'} batch normalization"


def main() -> None:
    """Measures, in as many processes as there are cores, prints and draws."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    picture = "when_momentum_pays.png"
    parser.add_argument("picture", type=picture_file, nargs="?", default=picture)
    parser.add_argument("--quick", action="store_true", help="2 of each, 3 seeds")
    parser.add_argument("--fruits", type=int, default=FRUITS, help="pictures of fruit")
    parser.add_argument("--seeds", type=int, help="trainings of each (5, quick 3)")
    given = parser.parse_args()
    sizes = QUICK if given.quick else BATCH_SIZES
    seeds = given.seeds if given.seeds is not None else (3 if given.quick else 5)
    if given.fruits <= sizes[-1]:
        parser.error(f"--fruits must be above {sizes[-1]}. Received: {given.fruits}")
    if seeds < 1:
        parser.error(f"--seeds must be at least 1. Received: {seeds}")
    names = (PLAIN, CHOSEN) if given.quick else tuple(OPTIMIZERS)
    both = (False, True)
    # TensorFlow can't be forked.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        started = {
            (normalized, name): pool.submit(
                measure, name, normalized, (*sizes, given.fruits), seeds
            )
            for normalized in both
            for name in names
        }
        of_noise = {
            each: pool.submit(noise_scales, each, given.fruits) for each in both
        }
        found = {
            each: {name: started[each, name].result() for name in names}
            for each in both
        }
        scales = {each: of_noise[each].result() for each in both}
    draw(given.picture, found, scales)
    print(f"{verdict(found)}\nPicture: {given.picture}")


if __name__ == "__main__":
    main()
