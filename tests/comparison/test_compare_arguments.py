"""What `compare` refuses, and which data and optimizers it takes."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import Candidate
from tests.comparison.problem import X, Y, compared, compared_soon


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"build_model": 3}, TypeError, "Argument `build_model` must be a function"),
        ({"build_model": lambda: 3}, TypeError, "must return a compiled model"),
        (
            {"build_model": lambda: keras.Sequential([keras.Input((8,))])},
            TypeError,
            "must return a compiled model",
        ),
        ({"optimizers": {}}, TypeError, "Argument `optimizers` must be a dictionary"),
        ({"optimizers": ["adam"]}, TypeError, "Argument `optimizers` must be a dict"),
        ({"optimizers": {" ": "adam"}}, ValueError, "texts and not empty"),
        ({"optimizers": {3: "adam"}}, ValueError, "texts and not empty"),
        ({"optimizers": {"\ud800": "adam"}}, ValueError, "texts and not empty"),
        ({"optimizers": {"a": 3}}, ValueError, "Argument `optimizer` must be an opt"),
        ({"optimizers": {"a": keras.optimizers.SGD}}, ValueError, "Argument `optimize"),
        ({"optimizers": {"a": "sdg"}}, ValueError, "sdg"),
        ({"epochs": 0}, ValueError, "Argument `epochs` must be an integer >= 1"),
        ({"seeds": ()}, ValueError, "Argument `seeds` must have at least one"),
        ({"seeds": (1, 1)}, ValueError, "Argument `seeds` must have .* none twice"),
        ({"seeds": 3}, ValueError, "must be a sequence of integers, for example"),
        ({"train_data": X}, TypeError, r"must be a tuple of arrays.*\(96, 8\)"),
        ({"seeds": (0.5,)}, ValueError, "Argument `seeds` must be an integer >= 0"),
        ({"mode": "up"}, ValueError, 'Argument `mode` must be "auto"'),
        ({"seeds": "01"}, ValueError, "must be a sequence of integers, for example"),
        ({"seeds": (True,)}, ValueError, "Argument `seeds` must be an integer >= 0"),
        ({"metric": "val_acuracy"}, ValueError, "must be one of accuracy, .*val_acc"),
        ({"metric": "gamma"}, ValueError, 'Argument `mode` must be "min" or "max", as'),
        ({"target": "0.9"}, ValueError, "Argument `target` must be `None` or a number"),
        ({"target": float("nan")}, ValueError, "`target` must be `None` or a number"),
        ({"validate_every": 0, "target": 1}, ValueError, "`validate_every` must be an"),
        ({"validate_every": 5}, ValueError, "`validate_every` needs `target`"),
        ({"validation_data": iter([])}, TypeError, "`validation_data` can be iterated"),
        ({"validation_data": (X[:0], Y[:0])}, ValueError, r"at least 1. Rec.*\[0\]"),
        ({"validation_data": (X, Y[:3])}, ValueError, r"same length.*lengths \[3, 96"),
        ({"train_data": [[], []]}, ValueError, "at least 1. Received: lengths"),
        ({"train_data": 3}, TypeError, "`train_data` must be a tuple of arrays, a tf"),
        ({"batch_size": "32"}, ValueError, "Argument `batch_size` must be"),
        ({"callbacks": []}, TypeError, "unexpected argument `callbacks`"),
        ({"steps": 3}, TypeError, "unexpected argument `steps`; of `fit` it takes"),
        ({"train_data": iter([])}, TypeError, "can be iterated only once"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        compared(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "train_data",
    [
        [X.tolist(), Y.tolist()],
        ([X], Y),
        lambda seed: ((X[:16], Y[:16]) for _ in range(10)),
        (X, Y, np.ones(len(X))),
    ],
    ids=["lists", "list of inputs", "generator", "sample weights"],
)
def test_data_in_other_forms_are_taken(train_data: Any, tmp_path: Path) -> None:
    arguments = {"seeds": (0, 1), "steps_per_epoch": 4}
    comparison = compared_soon(tmp_path, train_data=train_data, **arguments)
    assert [run.steps for run in comparison.runs] == [[4], [4]]


def test_several_optimizers_in_one_are_taken(tmp_path: Path) -> None:
    def several() -> keras.optimizers.Optimizer:
        of_kernel, other = keras_momentum.NAG(0.1), keras_momentum.Momentum(0.01)
        return keras.optimizers.MultiOptimizer(
            lambda weight: of_kernel if "kernel" in weight.path else other
        )

    comparison = compared_soon(tmp_path, optimizers={"several": several})
    for run in comparison.runs:
        assert run.hyperparameters["learning_rate"] == 0.1
        assert run.hyperparameters["gamma"] == 0.9


@pytest.mark.parametrize(
    ("optimizer", "callbacks", "expected"),
    [
        ({}, [], "never"),
        ({}, [keras_momentum.callbacks.GammaRamp()], "never"),
        ({}, [keras_momentum.callbacks.MomentumRestart(every=5)], "MomentumRestart"),
        ({}, [keras_momentum.callbacks.RestartOnPlateau()], "RestartOnPlateau"),
        ({}, [keras_momentum.callbacks.OvershootGuard()], "OvershootGuard"),
        ({"restart_every": 9}, [], "every 9"),
        (
            {"restart_when": "gradient"},
            [keras_momentum.callbacks.RestartOnPlateau()],
            "RestartOnPlateau + gradient",
        ),
    ],
)
def test_what_restarts_is_said(
    optimizer: dict[str, Any], callbacks: list[Any], expected: str
) -> None:
    candidate = Candidate(keras_momentum.NAG(0.1, **optimizer), callbacks)
    assert candidate.hyperparameters()["restart"] == expected
