"""Finds gamma and the learning rate for a fruit classifier, with one compilation.

python examples/find_gamma.py [PICTURE] [--steps STEPS] [--section.key VALUE ...]
"""

from pathlib import Path

from fruits.command_line import CommandLine, at_least, picture_file
from fruits.entry import import_keras, run
from fruits.errors import about
from fruits.results import check_apart

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"
# All that counts here: the optimizer is what is looked for, and there are no epochs.
KEYS = (
    *("data.", "augmentation.", "model.", "optimizer.learning_rate", "training.seed"),
    *("training.precision", "training.label_smoothing", "training.class_weight"),
    "training.runs_dir",
)


def main() -> None:
    """Tries the pairs, prints the table and draws the plane."""
    parser = CommandLine(__doc__)
    parser.add_argument(
        "picture", type=picture_file, nargs="?", default="find_gamma.png"
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=200, help="with each pair (200)"
    )
    parser.add_keys(*KEYS)
    given = parser.parse_args()
    name, config = parser.config(SMALL, given)
    # A picture beside the folders of the classes is left out.
    if given.picture.parent.resolve() != Path(config.data.path or "").resolve():
        check_apart("PICTURE", given.picture.parent, config)
    # TensorFlow takes seconds to import: not for --help or a wrong key.
    import_keras()
    import keras

    import keras_momentum
    from fruits.data import FruitData

    keras.utils.set_random_seed(config.training.seed)
    keras.config.set_dtype_policy(config.training.precision)
    with about(name):
        data = FruitData(config)
    data.report()
    learning_rate = config.optimizer.learning_rate
    model = data.compiled_model(keras_momentum.Momentum(learning_rate))
    search = keras_momentum.comparison.find_gamma(
        model, data.training, steps=given.steps, seed=config.training.seed
    )
    print(f"{len(search.losses)} pairs in {search.seconds:.0f} s, compilation included")
    search.draw(given.picture)
    print(f"Picture: {given.picture}")


if __name__ == "__main__":
    run(main)
