"""Compares optimizers on a fruit classifier, each with the best learning rate found.

    python examples/compare_fruits.py configs/*.toml [--quick] [--section.key VALUE ...]

A file says how to optimize, in [optimizer], [gamma_ramp] and [one_cycle]. Files with a
[data] table say what to train on instead; they are left out, and --on takes one.

The search for the learning rate is the same for all: one training with each of six
(with --quick three), a factor of 3 apart, around that of the file; the one with the
best validation accuracy at the end is taken. With it, the optimizer is trained with
other seeds, and judged by the test pictures. A comparison that was stopped goes on
where it was.
"""

import argparse
import os
from pathlib import Path

from fruits.command_line import fail, read_config
from fruits.config import Config

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
QUICK_EPOCHS = 2


def read_candidates(files: list[Path]) -> dict[str, Config]:
    """The configurations that say how to optimize, by their names."""
    candidates: dict[str, Config] = {}
    left_out = []
    for file in files:
        name, config = read_config([str(file)], file)
        if "data" in config.model_fields_set:
            left_out.append(file.name)
            continue
        label = name.replace("_", " ")
        if label in candidates:
            fail(f"{file}: another file has the same name")
        candidates[label] = config
    if not candidates:
        fail("command line: no file says how to optimize")
    if left_out:
        print(f"Left out, as they say what to train on: {', '.join(left_out)}")
    return candidates


def main() -> None:
    """Reads the configurations, searches, compares, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, help="TOML, how to optimize")
    parser.add_argument("--on", type=Path, default=SMALL, help="TOML, what to train on")
    parser.add_argument("--quick", action="store_true", help="few epochs, seeds, rates")
    parser.add_argument("--seeds", type=int, help="trainings of each (5, quick 3)")
    parser.add_argument("--target", type=float, default=0.7, help="accuracy")
    given, rest = parser.parse_known_args()
    quick = given.quick
    seeds = given.seeds if given.seeds is not None else (3 if quick else 5)
    if seeds < 1:
        parser.error(f"--seeds must be at least 1. Received: {seeds}")
    candidates = read_candidates(given.files)
    if quick:
        rest = [f"--training.epochs={QUICK_EPOCHS}", *rest]
    name, base = read_config([str(given.on), *rest], given.on)
    # TensorFlow takes seconds to import, and says much: not for --help or a wrong key.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from fruits.errors import DataError
    from fruits.tuned import TunedComparison

    folder = Path(base.training.runs_dir) / f"{name}-{'quick' if quick else 'full'}"
    try:
        comparison = TunedComparison(base, folder, rates=3 if quick else 6)
    except DataError as error:
        fail(f"{name}: {error}")
    try:
        comparison.run(candidates, seeds, given.target)
    except ValueError as error:
        fail(str(error))
    print(f"TensorBoard: tensorboard --logdir {folder / 'compared'}")


if __name__ == "__main__":
    main()
