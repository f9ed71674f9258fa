"""What a training is between two of its updates, so that it can go on from there.

Neither `keras.callbacks.BackupAndRestore` nor weights files hold the states of random
layers and metrics, so that a run with dropout would not go on as it would have.
"""

import dataclasses
import errno
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fruits.whole_files import written_whole


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A training after some of its updates.

    Attributes:
        epoch: The number of epochs that are over.
        batch: The number of batches that are over in the next one.
        records: What was recorded of the epochs that are over.
        seconds: How long it has trained.
        metrics: The values of the metrics' variables.
        values: The values of all other variables.
    """

    epoch: int
    batch: int
    records: list[dict[str, Any]]
    seconds: float
    metrics: list[np.ndarray]
    values: list[np.ndarray]

    def save(self, file: Path) -> None:
        """Writes it to a file, as a whole or not at all."""
        state = {
            "epoch": self.epoch,
            "batch": self.batch,
            "records": self.records,
            "seconds": self.seconds,
            "metrics": len(self.metrics),
        }
        arrays = [*self.metrics, *self.values]
        named: dict[str, Any] = {f"array {i}": array for i, array in enumerate(arrays)}
        with written_whole(file) as beside, beside.open("wb") as opened:
            np.savez(opened, state=np.array(json.dumps(state)), **named)

    @classmethod
    def load(cls, file: Path) -> "Checkpoint":
        """Reads it from a file.

        Raises:
            ValueError: If the file is damaged.
            OSError: If it can't be read, and may be whole.
        """
        try:
            with np.load(file, allow_pickle=False) as content:
                state = json.loads(str(content["state"]))
                arrays = [content[f"array {i}"] for i in range(len(content.files) - 1)]
            metrics = state.pop("metrics")
            return cls(**state, metrics=arrays[:metrics], values=arrays[metrics:])
        except OSError as error:
            if error.errno == errno.EINVAL:  # A damaged file leads to before its begin.
                raise ValueError(f"{file} is damaged: {error.strerror}") from error
            raise OSError(error.errno, error.strerror, str(file)) from error
        except Exception as error:  # Of zipfile, zlib, json and NumPy.
            raise ValueError(f"{file} is damaged: {error}") from error

    def put_values(self, model: keras.Model) -> None:
        """Gives all variables but those of metrics their values."""
        _assign(_variables(model), self.values)

    def put_metrics(self, model: keras.Model) -> None:
        """Gives the variables of metrics their values."""
        make_metrics(model)
        _assign(model.metrics_variables, self.metrics)


def make_metrics(model: keras.Model) -> None:
    """Makes the metrics' variables, which Keras does when they are first needed."""
    nothing = keras.ops.zeros((1, *model.output_shape[1:]))
    model.compute_metrics(None, nothing, nothing)


def values_of(model: keras.Model) -> list[np.ndarray]:
    """The values of all variables of a model but those of its metrics."""
    return [_value(variable) for variable in _variables(model)]


def metrics_of(model: keras.Model) -> list[np.ndarray]:
    """The values of the metrics' variables of a model."""
    return [_value(variable) for variable in model.metrics_variables]


def _variables(model: keras.Model) -> list[Any]:
    of_metrics = {id(variable) for variable in model.metrics_variables}
    return [
        variable
        for variable in (*model.variables, *model.optimizer.variables)
        if id(variable) not in of_metrics
    ]


def _value(variable: Any) -> np.ndarray:
    # A copy: on TensorFlow a view would change with the variable.
    value = np.array(keras.ops.convert_to_numpy(variable))
    # bfloat16 is not a dtype of NumPy's files, and fits into float32.
    return value.astype("float32") if value.dtype.kind == "V" else value


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
