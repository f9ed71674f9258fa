"""Updates that a fruit classifier needs at each batch size, without and with momentum.

    python examples/when_momentum_pays.py [PICTURE] [--quick] [--fruits N] [--seeds N]

A small tanh network learns drawn fruits, without and with batch normalization, until
its loss over all of them is 1.0. At each batch size each optimizer gets the learning
rate with which it needs the fewest updates, searched for to a twelfth of a decade with
two seeds, and is judged by others: their median and their range. The loss is looked at
after counts of updates that are 5 % apart. (Shallue et al. 2019, "Measuring the effects
of data parallelism on neural network training".)
"""

import os
from typing import TYPE_CHECKING

# TensorFlow says much when it is imported; the network is too small for a GPU.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
# One process for each core, with one thread.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")

from fruits.command_line import CommandLine, at_least, picture_file
from fruits.entry import import_keras, run
from fruits.workers import workers

if TYPE_CHECKING:
    from fruits.updates_picture import Needed

# As many of each of the 13 kinds.
FRUITS = 2002
# And all fruits at once.
BATCH_SIZES, QUICK = (16, 64, 256), (64,)


def measure(
    optimizer: str, normalized: bool, sizes: tuple[int, ...], seeds: int
) -> dict[int, "Needed"]:
    """What an optimizer needs at each batch size; the largest one has all fruits."""
    from fruits.updates_needed import Trainings
    from fruits.updates_picture import Needed, name_of

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
    from fruits.updates_needed import PLAIN, Trainings

    return Trainings(PLAIN, normalized, fruits).noise_scales()


def main() -> None:
    """Measures, in as many processes as there are cores, prints and draws."""
    parser = CommandLine(__doc__)
    picture = "when_momentum_pays.png"
    parser.add_argument("picture", type=picture_file, nargs="?", default=picture)
    parser.add_argument("--quick", action="store_true", help="2 of each, 3 seeds")
    parser.add_argument(
        "--fruits", type=at_least(1), default=FRUITS, help="pictures (%(default)s)"
    )
    parser.add_argument(
        "--seeds", type=at_least(1), help="trainings of each (5, quick 3)"
    )
    given = parser.parse_args()
    sizes = QUICK if given.quick else BATCH_SIZES
    seeds = given.seeds or (3 if given.quick else 5)
    if given.fruits <= sizes[-1]:
        parser.error(
            f"argument --fruits: it must be above {sizes[-1]}. Received: {given.fruits}"
        )
    # They take seconds to import: not for --help or a wrong argument.
    import_keras()
    from fruits.updates_needed import OPTIMIZERS, PLAIN
    from fruits.updates_picture import CHOSEN, draw, verdict

    names = (PLAIN, CHOSEN) if given.quick else tuple(OPTIMIZERS)
    both = (False, True)
    with workers() as pool:
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
    run(main)
