"""What a model is: by value, and by the names that it gives to what it logs."""

import collections
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras
from keras.src.backend.common import global_state

from keras_momentum.comparison._identity import beside_config, identity_or_unknown

_NAMES = "object_name_uids"


def names_so_far() -> dict[str, int]:
    """How often each name that Keras makes up has been made."""
    return dict(global_state.get_global_attribute(_NAMES) or {})


@contextmanager
def names_from(counts: dict[str, int]) -> Iterator[None]:
    """In it, names that Keras makes up count from these numbers.

    A layer or metric then has the same name in each model that a function builds.
    """
    before = global_state.get_global_attribute(_NAMES)
    global_state.set_global_attribute(_NAMES, collections.defaultdict(int, counts))
    try:
        yield
    finally:
        global_state.set_global_attribute(_NAMES, before)


def scope_of(model: keras.Model) -> AbstractContextManager[Any]:
    """In it, variables are made where those of the model are."""
    # Not that of the model: a Sequential does not keep the one that it was made in.
    values = [weight.value for weight in model.variables[:1]]
    strategies = [getattr(value, "distribute_strategy", None) for value in values]
    return next((each.scope() for each in strategies if each), nullcontext())


def identity_of_model(model: keras.Model) -> Any:
    """What a model consists of and was compiled with, but for weights and optimizer."""
    kept = getattr(model, "_compile_config", None)
    compiled = {**getattr(kept, "config", {}), "optimizer": None}
    layers = list(model._flatten_layers(include_self=True, recursive=True))
    made_up = {
        layer.name: f"layer {number}"
        for number, layer in enumerate(layers)
        if re.fullmatch(rf"{_snake(type(layer).__name__)}(_\d+)?", layer.name)
    }
    parts = [(type(layer), _renamed(_settings(layer), made_up)) for layer in layers]
    return identity_or_unknown((parts, compiled))


def _settings(layer: Any) -> Any:
    """A layer's configuration; where it has none, its attributes."""
    functions = beside_config(layer)
    try:
        return layer.get_config(), functions
    except (NotImplementedError, AttributeError, TypeError):
        left_out = (keras.layers.Layer, keras.Variable, keras.metrics.Metric)
        attributes = {
            name: value
            for name, value in vars(layer).items()
            if not name.startswith("_") and not isinstance(value, left_out)
        }
        for name in ("optimizer", "inputs", "outputs", "train_function", "built"):
            attributes.pop(name, None)
        return attributes, functions


def _renamed(config: Any, names: dict[str, str]) -> Any:
    """With other texts in place of names that count up."""
    if isinstance(config, dict):
        return {
            key: _renamed(value, names)
            for key, value in config.items()
            if key not in ("shared_object_id", "build_config")
        }
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _snake(name: str) -> str:
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
