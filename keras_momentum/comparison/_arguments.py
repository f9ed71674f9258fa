"""Checks of what `compare` is called with, before anything is trained."""

import importlib.util
import inspect
import math
import numbers
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.comparison._results import Results

_NEEDED = ("filelock", "matplotlib", "rich", "scipy", "tensorboard", "tensorflow")
# Arguments of `fit` that `compare` gives itself.
_OWN = (
    *("self", "x", "y", "batch_size", "epochs", "verbose", "callbacks", "shuffle"),
    *("validation_split", "validation_data", "initial_epoch"),
)


def check_packages() -> None:
    """Raises `ImportError` if a package that comparisons need is missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Comparisons need {', '.join(missing)}: "
            'pip install "keras-momentum[comparison]"'
        )


def checked_seeds(seeds: Any) -> list[int]:
    """The seeds; raises `ValueError` if they are not as `compare` says."""
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        raise ValueError(
            "Argument `seeds` must be a sequence of integers, for example range(3). "
            f"Received: seeds={seeds!r}"
        )
    found = [arguments.integer("seeds", seed, minimum=0) for seed in seeds]
    if not found or len(set(found)) < len(found):
        raise ValueError(
            "Argument `seeds` must have at least one integer, and none twice. "
            f"Received: seeds={seeds!r}"
        )
    return found


def checked_target(
    target: Any, validate_every: Any, validation_data: Any
) -> float | None:
    """The target; raises `ValueError` if it is none, or can't be looked for."""
    is_number = isinstance(target, numbers.Real) and not isinstance(target, bool)
    if target is not None and not (is_number and math.isfinite(target)):
        raise ValueError(
            f"Argument `target` must be `None` or a number. Received: target={target!r}"
        )
    if validate_every is not None:
        arguments.integer("validate_every", validate_every, minimum=1)
        if target is None or validation_data is None:
            raise ValueError(
                "Argument `validate_every` needs `target` and `validation_data`. "
                f"Received: validate_every={validate_every!r}"
            )
    return None if target is None else float(target)


def checked_folder(log_dir: Any) -> Path:
    """The folder, made if it is not there; raises if it can't be one of `compare`."""
    if not isinstance(log_dir, (str, os.PathLike)) or not str(log_dir).strip():
        raise ValueError(
            f"Argument `log_dir` must be a folder. Received: log_dir={log_dir!r}"
        )
    folder = Path(log_dir).expanduser()
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            "Argument `log_dir` must be a folder, not a file. "
            f"Received: log_dir={str(folder)!r}"
        )
    places = (folder.absolute(), *folder.absolute().parents)
    if not os.access(next(each for each in places if each.exists()), os.W_OK):
        raise ValueError(
            "Argument `log_dir` must be a folder that can be written to. "
            f"Received: log_dir={str(folder)!r}"
        )
    Results(folder).check()
    return folder


def check_fit_arguments(given: Mapping[str, Any]) -> None:
    """Raises `TypeError` for what `fit` doesn't take, or `compare` gives it itself."""
    allowed = set(inspect.signature(keras.Model.fit).parameters) - set(_OWN)
    for name in given.keys() - allowed:
        raise TypeError(
            f"compare() got an unexpected argument `{name}`; of `fit` it takes "
            f"{', '.join(sorted(allowed))}."
        )
