"""By what a comparison judges: names, directions, and when a value was measured."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum import NAG
from keras_momentum.comparison import Candidate, Run, load_comparison
from keras_momentum.comparison._metrics import logged_by
from tests.comparison.problem import TRAINING, compared_soon

X, Y = TRAINING[0], TRAINING[1].astype("float32")[:, None]
DATA: dict[str, Any] = {"train_data": (X, Y), "validation_data": (X, Y)}
GROW = [
    *("Accuracy", "AUC", "BinaryAccuracy", "BinaryIoU", "CosineSimilarity"),
    *("F1Score", "FBetaScore", "Precision", "R2Score", "Recall"),
]
FALL = [
    *("BinaryCrossentropy", "Hinge", "KLDivergence", "LogCoshError"),
    *("MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError"),
    *("MeanSquaredLogarithmicError", "Poisson", "RootMeanSquaredError"),
]
WITH_ARGUMENT = [
    *("PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity"),
    "SpecificityAtSensitivity",
]


def binary(metrics: Any = (), **compiled: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=list(metrics), **compiled)
    return model


def error(y: Any, prediction: Any) -> Any:
    """Its name says neither that it falls nor that it grows."""
    return keras.ops.mean(keras.ops.abs(y - prediction))


def accuracy_of_one_own(y: Any, prediction: Any) -> Any:
    return -error(y, prediction)


@pytest.mark.parametrize(
    ("names", "arguments", "expected"),
    [(GROW, (), "max"), (WITH_ARGUMENT, (0.5,), "max"), (FALL, (), "min")],
    ids=["grow", "grow, too", "fall"],
)
def test_keras_says_which_way_its_metrics_go(
    names: list[str], arguments: Any, expected: str
) -> None:
    for name in names:
        metric = getattr(keras.metrics, name)(*arguments)
        logged = logged_by(binary([metric]), (X, Y), is_validated=True)
        if f"val_{metric.name}" not in logged.vectors:
            assert logged.directions[f"val_{metric.name}"] == expected, name
        assert logged.directions["val_loss"] == "min"


@pytest.mark.parametrize(
    "metric", [error, accuracy_of_one_own, keras.metrics.FalseNegatives]
)
def test_a_direction_that_is_not_known_is_asked_for(
    metric: Any, tmp_path: Path
) -> None:
    def build() -> keras.Model:
        return binary([metric() if isinstance(metric, type) else metric])

    with pytest.raises(ValueError, match='`mode` must be "min" or "max", as it is not'):
        compared_soon(tmp_path, build_model=build, **DATA)
    assert not list(tmp_path.iterdir())
    assert compared_soon(tmp_path, build_model=build, mode="min", **DATA).mode == "min"


def test_a_metric_made_anew_has_one_name(tmp_path: Path) -> None:
    def build() -> keras.Model:
        return binary([keras.metrics.AUC(), keras.metrics.AUC(curve="PR")])

    arguments = {"build_model": build, "seeds": (0, 1), **DATA}
    found = compared_soon(tmp_path, optimizers={"one": NAG(0.1)}, **arguments)
    assert (found.metric, found.mode) == ("val_auc", "max")
    both = {"one": NAG(0.1), "two": NAG(0.1)}
    found = compared_soon(tmp_path, optimizers=both, **arguments)
    assert all(len(run.history["val_auc_1"]) == 1 for run in found.runs)
    assert load_comparison(tmp_path, "auc").mode == "max"


def test_several_outputs_are_judged_by_their_whole_loss(tmp_path: Path) -> None:
    def build() -> keras.Model:
        inputs = keras.Input((8,))
        outputs = [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)]
        model = keras.Model(inputs, outputs)
        model.compile("sgd", ["mse", "mae"])
        return model

    data = {"train_data": (X, (Y, Y)), "validation_data": (X, (Y, Y))}
    for number in (1, 2):
        two = {f"{number}": NAG(0.01), f"{number}0": NAG(0.02)}
        found = compared_soon(
            tmp_path, build_model=build, optimizers=two, **data, seeds=(0, 1)
        )
        assert found.metric == "val_loss"
    assert len(load_comparison(tmp_path).runs) == 8


def test_a_metric_of_several_values_ends_no_run_and_judges_none(tmp_path: Path) -> None:
    def build() -> keras.Model:
        return binary([keras.metrics.F1Score(), "accuracy"])

    arguments = {"build_model": build, **DATA}
    with pytest.raises(ValueError, match=r"`metric` must be one number, not a vector"):
        compared_soon(tmp_path, metric="val_f1_score", **arguments)
    found = compared_soon(tmp_path, **arguments)
    assert found.metric == "val_accuracy"


class WithoutLoss(keras.Model):
    """Its logs have no loss."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1, "sigmoid")
        self.dense.build((None, 8))
        self.built = True

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def train_step(self, *arguments: Any) -> Any:
        found = super().train_step(*arguments)
        logs = found[0] if keras.backend.backend() == "jax" else found
        logs["own"] = logs.pop("loss")
        return found


def test_logs_without_a_loss_are_taken(tmp_path: Path) -> None:
    def build() -> keras.Model:
        model = WithoutLoss()
        model.compile("sgd", "binary_crossentropy")
        return model

    arguments = {**DATA, "build_model": build, "validation_data": None}
    found = compared_soon(tmp_path, metric="own", mode="min", **arguments)
    assert set(found.runs[0].history) == {"own", "gamma", "learning_rate"}
    with pytest.raises(ValueError, match="must be one of gamma, learning_rate, own"):
        compared_soon(tmp_path / "2", metric="owm", mode="min", **arguments)


class Now(keras.callbacks.Callback):
    """Logs something in every third epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch % 3 == 2:
            logs["now"] = float(epoch)


def test_values_belong_to_the_epoch_in_which_they_were_measured(tmp_path: Path) -> None:
    optimizers = {"plain": Candidate("sgd", [Now()])}
    arguments = {"optimizers": optimizers, "epochs": 5, "validation_freq": 2}
    (run,) = compared_soon(tmp_path, target=0.0, **arguments).runs
    measured = [value is not None for value in run.history["val_accuracy"]]
    assert measured == [False, True, False, True, False]
    assert run.history["now"] == [None, None, 2.0, None, None]
    assert not run.diverged
    assert run.final("val_accuracy") == run.history["val_accuracy"][3]
    assert run.reached("val_accuracy", "max", 0.0) == 1
    assert run.reached_after("val_accuracy", "max", 0.0) == (8, run.seconds[1])
    (row,) = load_comparison(tmp_path).rows()
    assert row.steps_to_target == 8


def test_a_validation_between_finds_the_target_and_changes_nothing(
    tmp_path: Path,
) -> None:
    def build() -> keras.Model:
        layers = [keras.layers.Dropout(0.2), keras.layers.Dense(1, "sigmoid")]
        model = keras.Sequential([keras.Input((8,)), *layers])
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        return model

    arguments = {**DATA, "build_model": build, "epochs": 3, "batch_size": 4}
    arguments["optimizers"] = {"nag": NAG(0.1, momentum=0.9)}
    (plain,) = compared_soon(tmp_path / "1", target=0.8, **arguments).runs
    (often,) = compared_soon(
        tmp_path / "2", target=0.8, validate_every=3, **arguments
    ).runs
    assert often.history == plain.history
    assert often.between["steps"] == list(range(3, 48, 3))
    assert len(often.between["val_accuracy"]) == 15
    at_the_end = plain.reached_after("val_accuracy", "max", 0.8)
    found = often.reached_after("val_accuracy", "max", 0.8)
    assert at_the_end is not None
    assert found is not None
    assert found[0] < at_the_end[0]
    assert found[0] % 3 == 0
    assert often.seconds == sorted(often.seconds)


def test_a_target_is_reached_by_the_first_value_that_does() -> None:
    run = Run(
        "a",
        0,
        history={"val_loss": [None, 0.5, None, 0.1]},
        steps=[10, 20, 30, 40],
        seconds=[1.0, 2.0, 3.0, 4.0],
        between={
            "steps": [5, 15, 25],
            "seconds": [0.5, 1.5, 2.5],
            "val_loss": [9, 0.45, 0.3],
        },
    )
    assert run.reached_after("val_loss", "min", 0.4) == (25, 2.5)
    assert run.reached_after("val_loss", "min", 0.46) == (15, 1.5)
    assert run.reached_after("val_loss", "min", 0.2) == (40, 4.0)
    assert run.reached_after("val_loss", "min", 0.05) is None
    assert np.isnan(run.values("val_loss")[0])
