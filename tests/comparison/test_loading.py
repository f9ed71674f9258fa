"""Comparisons read back from files."""

from pathlib import Path
from typing import Any

import keras
import pytest

from keras_momentum.comparison import load_comparison
from tests.comparison.problem import TRAINING, VALIDATION, small_model

pytest.importorskip("tensorflow")


def logged(folder: Path, seed: int = 0, **arguments: Any) -> dict[str, list[float]]:
    """A training with Keras's own optimizer and TensorBoard callback."""
    keras.utils.set_random_seed(seed)
    model = small_model()
    model.optimizer = keras.optimizers.SGD()
    arguments = {"validation_data": VALIDATION, **arguments}
    callback = keras.callbacks.TensorBoard(folder, write_graph=False)
    fitted = model.fit(
        *TRAINING, batch_size=16, epochs=3, callbacks=[callback], verbose=0, **arguments
    )
    history: dict[str, list[float]] = fitted.history
    return history


def test_logs_of_keras_alone_give_what_its_history_says(tmp_path: Path) -> None:
    histories = [logged(tmp_path / "sgd" / f"seed-{seed}", seed) for seed in (0, 1)]
    other = logged(tmp_path / "single run")
    assert load_comparison(tmp_path).metric == "val_loss"
    with pytest.raises(ValueError, match="not known whether metric='val_accuracy'"):
        load_comparison(tmp_path, "val_accuracy")
    comparison = load_comparison(tmp_path, "val_accuracy", "max", target=0.0)
    assert [(run.name, run.seed) for run in comparison.runs] == [
        ("sgd", 0),
        ("sgd", 1),
        ("single run", 0),
    ]
    for run, history in zip(comparison.runs, [*histories, other], strict=True):
        for name, values in history.items():
            assert run.history[name] == pytest.approx(values, rel=1e-6)
        assert run.steps == [4, 8, 12]
        assert run.seconds == sorted(run.seconds)
    assert comparison.rows()[0].steps_to_target == 4


def test_without_validation_it_judges_by_the_loss_and_counts_epochs(
    tmp_path: Path,
) -> None:
    history = logged(tmp_path, validation_data=None)
    comparison = load_comparison(tmp_path)
    assert comparison.metric == "loss"
    (run,) = comparison.runs
    assert run.name == tmp_path.name
    assert run.steps == [1, 2, 3]
    assert run.history["loss"] == pytest.approx(history["loss"], rel=1e-6)


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a folder with finished"):
        load_comparison(tmp_path)
    with pytest.raises(ValueError, match="must be a folder with finished"):
        load_comparison(tmp_path / "missing")


def test_two_trainings_in_one_folder_are_two(tmp_path: Path) -> None:
    first = logged(tmp_path / "sgd")
    second = logged(tmp_path / "sgd", seed=1, initial_epoch=0)
    one, two = load_comparison(tmp_path).runs
    assert (one.name, two.name) == ("sgd", "sgd (2)")
    for run, history in ((one, first), (two, second)):
        assert run.steps == [4, 8, 12]
        for name, values in history.items():
            assert run.history[name] == pytest.approx(values, rel=1e-6)


def test_a_training_that_was_continued_is_one(tmp_path: Path) -> None:
    model = small_model()
    model.optimizer = keras.optimizers.SGD()
    for begin in (0, 2):
        model.fit(
            *TRAINING,
            batch_size=16,
            validation_data=VALIDATION,
            initial_epoch=begin,
            epochs=begin + 2,
            verbose=0,
            callbacks=[keras.callbacks.TensorBoard(tmp_path / "sgd")],
        )
    (run,) = load_comparison(tmp_path).runs
    assert run.steps == [4, 8, 12, 16]
    assert len(run.history["val_loss"]) == 4


def test_logs_of_a_validation_now_and_then_stand_at_their_epochs(
    tmp_path: Path,
) -> None:
    history = logged(tmp_path / "sgd", validation_freq=2)
    (run,) = load_comparison(tmp_path).runs
    assert run.history["val_loss"] == [
        None,
        pytest.approx(history["val_loss"][0], rel=1e-6),
        None,
    ]


def test_a_damaged_file_is_named_and_one_that_is_cut_off_is_read(
    tmp_path: Path,
) -> None:
    logged(tmp_path / "sgd")
    (file,) = (tmp_path / "sgd" / "train").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-5])
    with pytest.warns(UserWarning, match=f"{file.name} is cut off"):
        (run,) = load_comparison(tmp_path).runs
    assert len(run.history["loss"]) == 3
    content = bytearray(whole)
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{file.name} is damaged"):
        load_comparison(tmp_path)
