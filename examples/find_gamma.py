"""Finds gamma and the learning rate for a fruit classifier, with one compilation.

python examples/find_gamma.py [PICTURE] [--steps STEPS] [--section.key VALUE ...]
"""

import argparse
import os
from pathlib import Path

from fruits.command_line import picture_file, read_config

SMALL = Path(__file__).parents[1] / "configs" / "small.toml"


def main() -> None:
    """Tries the pairs, prints the table and draws the plane."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "picture", type=picture_file, nargs="?", default="find_gamma.png"
    )
    parser.add_argument("--steps", type=int, default=200, help="with each pair")
    given, rest = parser.parse_known_args()
    _, config = read_config([str(SMALL), *rest], SMALL)
    # TensorFlow takes seconds to import, and says much: not for --help or a wrong key.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    import keras_momentum
    from fruits.data import FruitData

    keras.utils.set_random_seed(config.training.seed)
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
    main()
