"""Results of these scripts, which have pictures of their own, among those to train on.

Where this run writes is known; an earlier one may have written elsewhere.
"""

import fnmatch
from collections.abc import Iterable
from pathlib import Path

from fruits.config import Config
from fruits.errors import RefusedError

# The names of files that lie together in a folder, and what that is then.
_MARKS = (
    (("run.json", "history.csv"), "it is the folder of a run"),
    (("comparison.json", "comparison.csv"), "it is the folder of a comparison"),
    (("dataset_info.json", "features.json"), "it is a prepared data set"),
    (("turn.lock",), "it is of a study"),
)
# The picture of a study lies beside the folder of its workers, and beside runs.
_BESIDE = "sweep_*.png"
DRAWN = "it is the picture of a study"


def why_results(files: Iterable[str]) -> str | None:
    """What a folder is, by the names of its files, or `None` if it is not of ours."""
    names = set(files)
    return next((what for marks, what in _MARKS if names.issuperset(marks)), None)


def is_of_study(name: str) -> bool:
    """Whether a file beside results is the picture of a study, by its name."""
    return fnmatch.fnmatchcase(name, _BESIDE)


def check_apart(argument: str, place: Path, config: Config) -> None:
    """Refuses to write among the pictures, where the next run would find a class.

    Results in `training.runs_dir` are known to be none.

    Raises:
        RefusedError: If a folder is `data.path`, or is below it.
    """
    here = place.resolve()
    if config.data.path is None or here.is_relative_to(
        Path(config.training.runs_dir).resolve()
    ):
        return
    if here.is_relative_to(Path(config.data.path).resolve()):
        raise RefusedError(
            f"command line: {argument}: {place} lies among the pictures of data.path, "
            f"{config.data.path}"
        )
