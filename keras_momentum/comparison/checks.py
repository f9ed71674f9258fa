"""Checks of the arguments of a comparison, before anything is trained."""

import importlib.util
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_momentum import arguments
from keras_momentum.comparison.candidate import Candidate
from keras_momentum.comparison.comparison import direction

_NEEDED = ("matplotlib", "rich", "scipy", "tensorboard", "tensorflow")
# Arguments of `fit` that `compare` gives itself.
_OWN = (
    *("self", "x", "y", "batch_size", "epochs", "verbose", "callbacks", "shuffle"),
    *("validation_split", "validation_data", "initial_epoch"),
)
_FORBIDDEN_IN_NAMES = '/\\:*?"<>|'


def check_packages() -> None:
    """Raises `ImportError` if a package that comparisons need is missing."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(
            f"Comparisons need {', '.join(missing)}: "
            'pip install "keras-momentum[comparison]"'
        )


def candidates_of(optimizers: Mapping[str, Any]) -> dict[str, Candidate]:
    """The candidates by name; raises `TypeError` or `ValueError` if they are none."""
    if not isinstance(optimizers, Mapping) or not optimizers:
        raise TypeError(
            "Argument `optimizers` must be a dictionary of names and optimizers. "
            f"Received: optimizers={optimizers!r}"
        )
    for name in optimizers:
        if (
            not isinstance(name, str)
            or not name.strip(". ")
            or set(name) & set(_FORBIDDEN_IN_NAMES)
        ):
            raise ValueError(
                "Argument `optimizers` must have names that can be names of folders. "
                f"Received: {name!r}"
            )
    return {
        name: each if isinstance(each, Candidate) else Candidate(each)
        for name, each in optimizers.items()
    }


def check_numbers(
    epochs: int, batch_size: int, seeds: Sequence[int], mode: str
) -> None:
    """Raises `ValueError` if one of these is not as `compare` says."""
    arguments.integer("epochs", epochs, minimum=1)
    arguments.integer("batch_size", batch_size, minimum=1)
    direction("", mode)
    if not isinstance(seeds, Sequence):
        raise ValueError(
            "Argument `seeds` must be a sequence of integers, for example range(3). "
            f"Received: seeds={seeds!r}"
        )
    for seed in seeds:
        arguments.integer("seeds", seed, minimum=0)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(
            "Argument `seeds` must have at least one integer, and none twice. "
            f"Received: seeds={seeds!r}"
        )


def check_fit_arguments(given: Mapping[str, Any]) -> None:
    """Raises `TypeError` for what `fit` doesn't take, or `compare` gives it itself."""
    allowed = set(inspect.signature(keras.Model.fit).parameters) - set(_OWN)
    for name in given.keys() - allowed:
        raise TypeError(
            f"compare() got an unexpected argument `{name}`; of `fit` it takes "
            f"{', '.join(sorted(allowed))}."
        )
