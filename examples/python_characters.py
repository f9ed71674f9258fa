"""Muon, AdEMAMix and MomentumAdam on the characters of Python's standard library.

    python examples/python_characters.py [--quick] [--updates N] [--seeds N]

A small transformer learns to say the next character; nothing is downloaded. Each
optimizer gets the learning rate that ends best in the validation files, a factor of 2
apart, searched for with seeds of their own until a larger and a smaller one are worse.
With it, it is trained with other seeds and judged by the test files. All cores work at
it. A comparison that was stopped goes on where it was.
"""

import functools
import os
from pathlib import Path

# TensorFlow says much when it is imported; the model is too small for a GPU.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
# One process for each core, with one thread.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1")
os.environ.update(OMP_NUM_THREADS="1")

from fruits.command_line import CommandLine, at_least
from fruits.entry import import_keras, run
from fruits.errors import RefusedError
from fruits.paths import check_folder
from fruits.workers import workers

EPOCHS = 6


def main() -> None:
    """Searches and trains, in as many processes as there are cores, and prints."""
    parser = CommandLine(__doc__)
    parser.add_argument("--quick", action="store_true", help="small model, few updates")
    parser.add_argument(
        "--updates", type=at_least(EPOCHS), help="of a training (480, quick 120)"
    )
    parser.add_argument(
        "--seeds", type=at_least(1), help="trainings of each (5, quick 3)"
    )
    given = parser.parse_args()
    quick = given.quick
    updates = given.updates or (120 if quick else 480)
    seeds = given.seeds or (3 if quick else 5)
    if updates % EPOCHS:
        parser.error(
            f"argument --updates: it must be a multiple of {EPOCHS}. "
            f"Received: {updates}"
        )
    folder = Path("runs") / f"python_characters{'-quick' if quick else ''}"
    check_folder(folder)
    # They take seconds to import: not for --help or a wrong argument.
    import_keras()
    from characters.comparison import OPTIMIZERS, Setting, best_rate, train, verdict
    from keras_momentum.comparison import load_comparison

    # Compiling the step of a training takes as long as the updates of a quick one.
    smaller = {"search_seeds": 1, "held_back": 128, "blocks": 1}
    usual = {"search_seeds": 2, "held_back": 512, "blocks": 2}
    setting = Setting(
        folder, updates, EPOCHS, seeds=seeds, **(smaller if quick else usual)
    )
    count = min(os.cpu_count() or 1, len(OPTIMIZERS))
    try:
        with workers(count) as pool:
            search = functools.partial(best_rate, setting=setting)
            rates = dict(zip(OPTIMIZERS, pool.map(search, OPTIMIZERS), strict=True))
            trained = [
                pool.submit(train, rates, setting, verbose=int(worker == 0))
                for worker in range(count)
            ]
            for each in trained:
                each.result()
    except (FileNotFoundError, ValueError) as error:
        raise RefusedError(str(error)) from error
    print(verdict(load_comparison(folder / "compared")))


if __name__ == "__main__":
    run(main)
