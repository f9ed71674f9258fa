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

from pathlib import Path

from fruits.command_line import CommandLine, at_least, path, share
from fruits.config import Config
from fruits.config_file import load_config
from fruits.effects import keys_in
from fruits.entry import import_keras, run
from fruits.errors import RefusedError, about

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
QUICK_EPOCHS = 2
# How to optimize is said by the files, and each training has a seed of its own.
KEYS = (
    *("data.", "augmentation.", "model.", "training.epochs", "training.precision"),
    *("training.label_smoothing", "training.class_weight", "training.runs_dir"),
)
OF_CANDIDATES = ("optimizer.", "gamma_ramp", "one_cycle")


def read_candidates(files: list[Path]) -> dict[str, Config]:
    """The configurations that say how to optimize, by their names."""
    candidates: dict[str, Config] = {}
    left_out = []
    for file in files:
        name, config = load_config(file)
        if "data" in config.model_fields_set:
            left_out.append(file.name)
            continue
        for key in keys_in(config):
            if not key.startswith(OF_CANDIDATES):
                raise RefusedError(
                    f"{file}: {key}: it is the same for all that are compared, and "
                    "belongs on the command line or in the file of --on"
                )
        label = name.replace("_", " ")
        if label in candidates:
            raise RefusedError(f"{file}: another file has the same name")
        candidates[label] = config
    if not candidates:
        raise RefusedError("command line: no file says how to optimize")
    if left_out:
        print(f"Left out, as they say what to train on: {', '.join(left_out)}")
    return candidates


def main() -> None:
    """Reads the configurations, searches, compares, and prints the table."""
    parser = CommandLine(__doc__)
    parser.add_argument("files", nargs="+", type=path, help="TOML, how to optimize")
    parser.add_argument("--on", type=path, default=SMALL, help="TOML, what to train on")
    parser.add_argument("--quick", action="store_true", help="few epochs, seeds, rates")
    parser.add_argument(
        "--seeds", type=at_least(1), help="trainings of each (5, quick 3)"
    )
    parser.add_argument("--target", type=share, default=0.7, help="accuracy (0.7)")
    parser.add_keys(*KEYS)
    given = parser.parse_args()
    quick = given.quick
    seeds = given.seeds or (3 if quick else 5)
    candidates = read_candidates(given.files)
    if quick:
        given.keys = {"training.epochs": str(QUICK_EPOCHS), **given.keys}
    name, base = parser.config(given.on, given)
    parser.say_unused(given.on, base)
    # TensorFlow takes seconds to import: not for --help or a wrong key.
    import_keras()
    from fruits.tuned import TunedComparison

    folder = Path(base.training.runs_dir) / f"{name}-{'quick' if quick else 'full'}"
    with about(name):
        comparison = TunedComparison(base, folder, rates=3 if quick else 6)
    try:
        comparison.run(candidates, seeds, given.target)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    print(f"TensorBoard: tensorboard --logdir {folder / 'compared'}")


if __name__ == "__main__":
    run(main)
