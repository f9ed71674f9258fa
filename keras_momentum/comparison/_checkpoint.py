"""What a run is at the end of an epoch, so that it can go on from there."""

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_momentum.comparison._files import write_whole
from keras_momentum.comparison._state import (
    RandomState,
    assign_all,
    state_of,
    value_of,
)


class NotPlainError(Exception):
    """Something that a checkpoint can't hold."""


class Checkpoint:
    """What is kept of a run in mid-training.

    Args:
        file: The file.
        made_of: What the run depends on; a checkpoint of something else is not taken.
    """

    def __init__(self, file: Path, made_of: dict[str, Any]):
        self._file = file
        self._made_of = made_of

    def save(
        self,
        model: keras.Model,
        callbacks: Sequence[keras.callbacks.Callback],
        recorded: dict[str, Any],
    ) -> None:
        """Writes variables, random numbers, and the plain attributes of callbacks."""
        arrays = [_storable(value_of(variable)) for variable in state_of(model)]
        count = len(arrays)
        state = {
            "made_of": self._made_of,
            "random": RandomState().values,
            "callbacks": [_plain_attributes(each) for each in callbacks],
            "recorded": recorded,
            "stopped": bool(model.stop_training),
        }
        text = json.dumps([count, _encoded(state, arrays)])
        content = io.BytesIO()
        named: dict[str, Any] = {f"array {n}": array for n, array in enumerate(arrays)}
        np.savez(content, state=np.array(text), **named)
        write_whole(self._file, content.getvalue())

    def load(self) -> "Loaded | None":
        """What was written; `None` if nothing was, or it is damaged or not of this."""
        try:
            with np.load(self._file, allow_pickle=False) as content:
                count, state = json.loads(str(content["state"]))
                arrays = [content[f"array {n}"] for n in range(len(content.files) - 1)]
        except Exception:  # Of zipfile, zlib, json and NumPy: it is not whole.
            return None
        state = _decoded(state, arrays)
        if json.dumps(state["made_of"]) != json.dumps(self._made_of):
            return None
        return Loaded(arrays[:count], state)


class Loaded:
    """What a checkpoint held.

    Args:
        values: The values of all variables.
        state: The rest.

    Attributes:
        recorded: What was recorded of the run.
        stopped: Whether a callback had ended the training.
    """

    def __init__(self, values: list[np.ndarray], state: dict[str, Any]):
        self._values = values
        self._state = state
        self.recorded: dict[str, Any] = state["recorded"]
        self.stopped: bool = state["stopped"]

    def put_variables(self, model: keras.Model) -> None:
        """Puts variables and random numbers in place."""
        assign_all(state_of(model), self._values)
        RandomState(self._state["random"]).restore()

    def put_attributes(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Puts the plain attributes of callbacks in place."""
        for callback, attributes in zip(
            callbacks, self._state["callbacks"], strict=True
        ):
            callback.__dict__.update(attributes)


def can_go_on(callbacks: Sequence[keras.callbacks.Callback]) -> bool:
    """Whether all that a training may change can be kept.

    Not on PyTorch: there `fit` draws random numbers at moments that can't be repeated.
    """
    return keras.backend.backend() != "torch" and all(
        type(callback).__module__.startswith(("keras.", "keras_momentum."))
        or all(
            _is_plain(value) or callable(value)
            for name, value in vars(callback).items()
            if name not in ("_model", "_params")
        )
        for callback in callbacks
    )


def _storable(value: np.ndarray) -> np.ndarray:
    """With a dtype that NumPy's files have: bfloat16 is none, and fits into float32."""
    return value.astype("float32") if value.dtype.kind == "V" else value


def _plain_attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(callback).items()
        if name not in ("_model", "_params") and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    try:
        _encoded(value, [])
    except NotPlainError:
        return False
    return True


def _encoded(value: Any, arrays: list[np.ndarray]) -> Any:
    """A value as JSON has it; arrays are put into a list."""
    if value is None or type(value) in (bool, str, int, float):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype == object:
            raise NotPlainError
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1, "scalar": isinstance(value, np.generic)}
    for kind in (list, tuple, set):
        if type(value) is kind:
            return {kind.__name__: [_encoded(each, arrays) for each in value]}
    if type(value) is dict:
        items = [[_encoded(x, arrays) for x in item] for item in value.items()]
        return {"dict": items}
    name = _name_of(value)
    if _named(name) is value:
        return {"named": name}
    raise NotPlainError


def _name_of(value: Any) -> list[str]:
    """Where a function of a library is found: Keras's callbacks keep `ops.less`."""
    is_ufunc = isinstance(value, np.ufunc)
    module = "numpy" if is_ufunc else getattr(value, "__module__", "")
    return [str(module), str(getattr(value, "__name__", ""))]


def _named(name: Sequence[str]) -> Any:
    module, of_module = name
    if module.split(".")[0] in ("keras", "keras_momentum", "numpy"):
        return getattr(sys.modules.get(module), of_module, None)
    return None


def _decoded(value: Any, arrays: list[np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "named" in value:
        return _named(value["named"])
    if "array" in value:
        array = arrays[value["array"]]
        return array[()] if value["scalar"] else array
    ((kind, items),) = value.items()
    if kind == "dict":
        return {_decoded(key, arrays): _decoded(each, arrays) for key, each in items}
    found = [_decoded(each, arrays) for each in items]
    return {"list": list, "tuple": tuple, "set": set}[kind](found)
