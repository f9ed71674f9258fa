"""Trains a fruit classifier with keras_momentum.

python examples/train_fruits.py [configs/NAME.toml] [--section.key VALUE ...]
"""

import os
import sys
from pathlib import Path

from fruits.command_line import read_config

DEFAULT = Path(__file__).parents[1] / "configs" / "rendered.toml"


def main() -> int:
    """Reads the configuration, trains, and reports."""
    name, config = read_config(sys.argv[1:], DEFAULT)
    # TensorFlow takes seconds to import, and says much: not for --help or a wrong key.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from fruits.data import FruitData
    from fruits.interruption import Interrupted
    from fruits.report import write_report
    from fruits.training import train

    try:
        data = FruitData(config)
        data.report()
        run = train(name, config, data)
    except Interrupted as error:
        return error.exit_code
    write_report(run)
    run.close()
    return run.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
