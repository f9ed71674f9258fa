"""Trains a fruit classifier with keras_momentum.

python examples/train_fruits.py [configs/NAME.toml] [--section.key VALUE ...]
"""

import sys
from pathlib import Path

from fruits.command_line import read_config
from fruits.entry import import_keras, run
from fruits.errors import about

DEFAULT = Path(__file__).parents[1] / "configs" / "rendered.toml"


def main() -> int:
    """Reads the configuration, trains, and reports."""
    name, config = read_config(sys.argv[1:], DEFAULT)
    # TensorFlow takes seconds to import: not for --help or a wrong key.
    import_keras()
    from fruits.data import FruitData
    from fruits.report import write_report
    from fruits.training import train

    with about(name):
        data = FruitData(config)
    data.report()
    trained = train(name, config, data)
    write_report(trained)
    trained.close()
    return trained.exit_code


if __name__ == "__main__":
    run(main)
