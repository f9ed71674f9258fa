"""Everything in which two comparisons can differ, and whether it is noticed."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.callbacks import GammaRamp
from keras_momentum.comparison import Candidate
from keras_momentum.comparison._digests import digest
from keras_momentum.comparison._identity import (
    UnknownValueError,
    identity_of,
    identity_or_unknown,
)
from keras_momentum.comparison._models import identity_of_model
from tests.comparison.problem import compared_soon

FACTOR = 2.0


def with_global(factor: float) -> Callable[[Any, Any], Any]:
    """A function that refers to a global variable of that value."""
    scope: dict[str, Any] = {"FACTOR": factor, "__name__": "someone"}
    exec("def loss(y, x): return FACTOR * (y - x) ** 2", scope)
    function: Callable[[Any, Any], Any] = scope["loss"]
    return function


def in_closure(factor: float) -> Callable[[Any, Any], Any]:
    return lambda y, x: factor * (y - x) ** 2


class Scaled(keras.layers.Layer):
    """A layer without a configuration of its own."""

    def __init__(self, scales: Any):
        super().__init__()
        self.scales = scales

    def call(self, x: Any) -> Any:
        return x * self.scales[0]


class Doubled(Scaled):
    def call(self, x: Any) -> Any:
        return 2 * x


class Kept:
    def __init__(self, value: Any):
        self.value = value


def model(
    units: int = 3,
    activation: Any = "tanh",
    middle: Any = None,
    name: str | None = None,
    regularizer: Any = None,
    trainable: bool = True,
    **compiled: Any,
) -> keras.Model:
    found = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(units, activation, kernel_regularizer=regularizer),
            middle if middle is not None else keras.layers.Dropout(0.1),
            keras.layers.Dense(1, name=name, trainable=trainable),
        ]
    )
    found.compile(**{"loss": "mse", **compiled})
    return found


MODELS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "units": {"units": 4},
    "activation": {"activation": "relu"},
    "activation of one's own": {"activation": in_closure(1.0)},
    "rate of dropout": {"middle": keras.layers.Dropout(0.2)},
    "another layer": {"middle": keras.layers.GaussianNoise(0.1)},
    "layer of one's own": {"middle": Scaled([1.0])},
    "its attribute": {"middle": Scaled([2.0])},
    "its code": {"middle": Doubled([1.0])},
    "name of a layer": {"name": "head"},
    "regularizer": {"regularizer": "l2"},
    "frozen": {"trainable": False},
    "loss": {"loss": "mae"},
    "argument of the loss": {"loss": keras.losses.Huber(2.0)},
    "another one": {"loss": keras.losses.Huber(3.0)},
    "function in a closure": {"loss": in_closure(1.0)},
    "its value": {"loss": in_closure(2.0)},
    "global variable": {"loss": with_global(1.0)},
    "its value, too": {"loss": with_global(2.0)},
    "partial": {"loss": functools.partial(with_global(1.0))},
    "metric": {"metrics": ["mae"]},
    "argument of a metric": {"metrics": [keras.metrics.BinaryAccuracy(threshold=0.2)]},
    "another threshold": {"metrics": [keras.metrics.BinaryAccuracy(threshold=0.3)]},
    "weighted metric": {"weighted_metrics": ["mae"]},
    "weight of the loss": {"loss_weights": [2.0]},
    "steps per execution": {"steps_per_execution": 2},
    "eagerly": {"run_eagerly": True},
}

VALUES: dict[str, Any] = {
    "int": 1,
    "float": 1.0,
    "bool": True,
    "str": "1",
    "bytes": b"1",
    "none": None,
    "tuple": (1,),
    "list": [1],
    "set": {1},
    "dict": {"a": 1},
    "another key": {"b": 1},
    "array": np.ones(2, "float32"),
    "dtype": np.ones(2),
    "shape": np.ones((2, 1), "float32"),
    "texts": np.array(["1", "2"], object),
    "function": in_closure(1.0),
    "object": Kept(1),
    "its value": Kept(2),
    "in itself": Kept(Kept(1)),
    "class": Kept,
    "schedule": keras_momentum.schedules.LinearRamp(0.5, 0.9, steps=10),
    "its steps": keras_momentum.schedules.LinearRamp(0.5, 0.9, steps=11),
    "callback": GammaRamp(0.5, 0.9),
    "its end": GammaRamp(0.5, 0.95),
    "early stopping": keras.callbacks.EarlyStopping(patience=1),
    "its patience": keras.callbacks.EarlyStopping(patience=2),
    "optimizer": keras_momentum.NAG(0.1),
    "its rate": keras_momentum.NAG(0.2),
    "its gamma": keras_momentum.NAG(0.1, momentum=0.5),
    "another one": keras_momentum.Momentum(0.1),
}


def test_models_are_the_same_if_they_are_made_alike_and_differ_in_all_else() -> None:
    found = {what: identity_of_model(model(**given)) for what, given in MODELS.items()}
    assert identity_of_model(model()) == found["as it is"]
    assert all(isinstance(each, str) for each in found.values()), found
    for what, each in found.items():
        same = [other for other, it in found.items() if it == each]
        assert same == [what]


def test_values_differ_from_all_others_and_not_from_copies() -> None:
    import copy

    found = {what: identity_of(value) for what, value in VALUES.items()}
    assert len(set(found.values())) == len(found)
    for what in ("array", "texts", "dict", "object", "callback", "in itself"):
        assert identity_of(copy.deepcopy(VALUES[what])) == found[what], what


@pytest.mark.parametrize("value", [open, object(), iter([1]), {"a": [iter([])]}])
def test_what_cannot_be_compared_is_unknown(value: Any) -> None:
    if value is open:
        assert identity_of(value) == identity_of(open)
        return
    with pytest.raises(UnknownValueError):
        identity_of(value)
    assert "unknown" in identity_or_unknown([value])


def test_what_is_unknown_is_never_taken_for_the_same(tmp_path: Path) -> None:
    class Holds(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.held = iter([1])

        def __deepcopy__(self, memory: Any) -> "Holds":
            return Holds()

    arguments = {"optimizers": {"plain": Candidate("sgd", [Holds()])}}
    compared_soon(tmp_path, **arguments)
    with pytest.raises(ValueError, match=r"optimizer can't be compared .*iterator"):
        compared_soon(tmp_path, **arguments)


def test_digests_tell_arrays_of_all_kinds_apart() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    one = np.eye(3, dtype="float32")
    other = one.copy()
    other[2, 2] = 2
    kinds: list[Any] = [
        *(one, other, one[:2], one.astype("float64"), (one,), {"a": one}, {"b": one}),
        *(sparse.csr_array(one), sparse.csr_array(other), (one, None), (None, one)),
        *(np.array(["a", "bc"]), np.array(["ab", "c"]), [one, [other]], [one, other]),
        *(np.array([b"a", b"bc"], object), np.array([b"ab", b"c"], object)),
    ]
    found = [digest(each) for each in kinds]
    assert len(set(found)) == len(kinds)
    assert digest(sparse.csr_array(one)) == digest(sparse.csr_array(one.copy()))
