"""Trains a fruit classifier with keras_momentum.

    python examples/train_fruits.py [configs/NAME.toml] [--section.key VALUE ...]

A run that was interrupted, by Ctrl-C, SIGTERM or SIGKILL, goes on if the same command
is given again, and ends as it would have ended. Of many workers, docs/many-workers.md
says more.
"""

from pathlib import Path

from fruits.command_line import CommandLine, folder, path
from fruits.entry import import_keras, run
from fruits.errors import about
from fruits.results import check_apart

DEFAULT = Path(__file__).parents[1] / "configs" / "rendered.toml"


def main() -> int:
    """Reads the configuration, trains, and reports."""
    parser = CommandLine(__doc__)
    parser.add_argument(
        "file", nargs="?", type=path, default=DEFAULT, help="TOML (%(default)s)"
    )
    parser.add_argument(
        "--folder", type=folder, help="of the run (a new one in training.runs_dir)"
    )
    parser.add_argument(
        "--workers",
        choices=("devices", "processes"),
        help="many: all devices of this machine, or of the processes that the "
        "environment names (a single device)",
    )
    parser.add_keys()
    given = parser.parse_args()
    name, config = parser.config(given.file, given)
    if given.folder:
        check_apart("--folder", given.folder, config)
    # TensorFlow takes seconds to import: not for --help or a wrong key.
    import_keras()
    from fruits.data import FruitData
    from fruits.many_workers import workers_of
    from fruits.opening import check_chosen
    from fruits.report import write_report
    from fruits.training import train

    workers = workers_of(given.workers)
    # Before the data, which may take an hour.
    workers.check_by_chief(lambda: check_chosen(given.folder))
    with about(name):
        workers.check_batch_size(config.data.batch_size)
        data = FruitData(config)
    if workers.is_chief:
        data.report()
    trained = train(name, config, data, given.folder, workers)
    if trained is None:  # Another process has it.
        return 0
    with trained.folder.that_goes_on():
        write_report(trained)
    trained.close()
    return trained.exit_code


if __name__ == "__main__":
    run(main)
