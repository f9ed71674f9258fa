"""Comparisons that are trained."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum.comparison import Candidate, Comparison, load_comparison
from tests.comparison.problem import (
    OPTIMIZERS,
    TRAINING,
    VALIDATION,
    Counting,
    build_model,
    compared,
    compared_soon,
    weights_of,
)


def histories(comparison: Comparison) -> dict[tuple[str, int], Any]:
    return {(run.name, run.seed): run.history for run in comparison.runs}


class Spy(keras.callbacks.Callback):
    """Writes down the weights with which a training begins."""

    seen: list[list[np.ndarray]]

    def __init__(self, seen: list[list[np.ndarray]]):
        super().__init__()
        Spy.seen = seen

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 0:
            Spy.seen.append(weights_of(self.model)[: len(self.model.variables)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `four` lies; not to be changed."""
    made: Path = tmp_path_factory.mktemp("four")
    return made


@pytest.fixture(scope="module")
def four(folder: Path) -> Comparison:
    """Four optimizers with two seeds each, two of them the same optimizer."""
    nag = keras_momentum.NAG(0.05, momentum=0.9)
    ramp = keras_momentum.callbacks.GammaRamp(0.2, 0.8)
    optimizers = {
        "plain": Candidate(OPTIMIZERS["plain"], [Spy([])]),
        "one": Candidate(nag, [Spy([])]),
        "two": nag,
        "ramp": Candidate(keras_momentum.NAG(0.05), [ramp]),
    }
    return compared(folder, optimizers=optimizers, seeds=(0, 3))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a comparison of one run; not to be changed."""
    made: Path = tmp_path_factory.mktemp("finished")
    compared_soon(made)
    return made


@pytest.mark.usefixtures("four")
def test_all_optimizers_start_from_the_same_weights_for_each_seed() -> None:
    plain_0, plain_3, nag_0, nag_3 = Spy.seen
    for one, other in ((plain_0, nag_0), (plain_3, nag_3)):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_array_equal(first, second)
    assert any((a != b).any() for a, b in zip(plain_0, plain_3, strict=True))


def test_a_training_step_is_traced_once_for_all_seeds(tmp_path: Path) -> None:
    if keras.backend.backend() == "torch":
        pytest.skip("on torch nothing is traced")
    counting = Counting()

    def build() -> keras.Model:
        model = keras.Sequential(
            [keras.Input((8,)), counting, keras.layers.Dense(2, "softmax")]
        )
        model.compile(loss="sparse_categorical_crossentropy")
        return model

    counts = []
    for seeds in ((0,), (0, 1, 2)):
        before = counting.calls
        compared_soon(tmp_path / str(len(seeds)), build_model=build, seeds=seeds)
        counts.append(counting.calls - before)
    assert counts[0] == counts[1] > 0


def test_same_optimizer_twice_gives_the_same_bit_for_bit(four: Comparison) -> None:
    found = histories(four)
    for seed in (0, 3):
        one, two = found["one", seed], found["two", seed]
        assert one == two
    assert found["one", 0] != found["one", 3]


def test_optimizers_and_seeds_can_be_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared_soon(tmp_path)
    file = tmp_path / "plain" / "seed-0" / "run.json"
    before = file.stat().st_mtime_ns
    more = {"optimizers": OPTIMIZERS, "seeds": (0, 1), "target": 0.5}
    comparison = compared_soon(tmp_path, **more)
    assert file.stat().st_mtime_ns == before
    assert len(comparison.runs) == 4
    assert histories(load_comparison(tmp_path)) == histories(comparison)
    assert load_comparison(tmp_path).target == 0.5
    assert capsys.readouterr().out == ""
    compared_soon(tmp_path, verbose=1, **more)
    output = capsys.readouterr().out
    assert "4 of 4 runs are finished; they are not repeated." in output
    assert output.strip().endswith(f"Picture: {tmp_path / 'comparison.png'}")


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"epochs": 3}, "epochs"),
        ({"train_data": VALIDATION}, "training data"),
        ({"validation_data": TRAINING}, "validation data"),
        ({"batch_size": 8}, "batch_size"),
        ({"optimizers": {"plain": keras.optimizers.SGD(0.1)}}, "optimizer"),
        ({"class_weight": {0: 1.0, 1: 2.0}}, "fit arguments"),
        ({"build_model": build_model}, "model"),
    ],
)
def test_a_finished_run_of_something_else_is_not_taken(
    changed: dict[str, Any], part: str, finished: Path
) -> None:
    with pytest.raises(ValueError, match=f"finished run with another {part} than now"):
        compared_soon(finished, **changed)


def test_files_of_others_are_not_deleted(tmp_path: Path) -> None:
    (tmp_path / "plain" / "seed-0").mkdir(parents=True)
    (tmp_path / "plain" / "seed-0" / "precious.txt").touch()
    with pytest.raises(ValueError, match="not a run of compare"):
        compared_soon(tmp_path)
    assert (tmp_path / "plain" / "seed-0" / "precious.txt").exists()


def test_a_run_that_diverges_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    optimizers = {
        "too much": keras_momentum.Momentum(1e30, momentum=0.9),
        "momentum": OPTIMIZERS["momentum"],
    }
    comparison = compared(tmp_path, optimizers=optimizers, epochs=3)
    good, bad = comparison.rows()
    assert (good.name, good.diverged) == ("momentum", 0)
    assert (bad.name, bad.diverged) == ("too much", 2)
    assert all(len(run.steps) < 3 for run in comparison.of("too much"))
    text = (tmp_path / "comparison.txt").read_text("utf-8")
    assert "too much: 2 of 2 runs diverged" in text
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    assert len((tmp_path / "comparison.csv").read_text("utf-8").splitlines()) == 3


def test_callbacks_move_gamma_in_each_run(four: Comparison) -> None:
    runs = four.of("ramp")
    for run in runs:
        assert run.history["gamma"] == pytest.approx([0.5, 0.8], rel=1e-5)
        assert run.steps == [4, 8]
        assert run.hyperparameters == {
            "optimizer": "NAG",
            "learning_rate": 0.05,
            "gamma": 0.8,
            "schedule": "GammaRamp",
            "restart": "never",
        }
    first, second = runs
    assert first.first_step_seconds
    assert second.first_step_seconds is None


@pytest.mark.usefixtures("four")
def test_the_logs_of_a_comparison_say_what_its_files_say(
    folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    from_files = load_comparison(tmp_path)
    for file in tmp_path.rglob("run.json"):
        file.unlink()
    from_logs = load_comparison(tmp_path)
    assert len(from_logs.runs) == 8
    for one, other in zip(from_files.runs, from_logs.runs, strict=True):
        assert (one.name, one.seed, one.steps) == (other.name, other.seed, other.steps)
        for name, values in one.history.items():
            assert other.history[name] == pytest.approx(values, rel=1e-6), name


def test_a_model_is_left_as_it_was_and_its_weights_are_those_of_all_seeds(
    tmp_path: Path,
) -> None:
    model = build_model(optimizer=keras_momentum.Momentum(0.05, momentum=0.9))
    model.fit(*TRAINING, verbose=0)
    optimizer, before = model.optimizer, weights_of(model)
    comparison = compared(tmp_path, build_model=model)
    assert model.optimizer is optimizer
    for first, second in zip(before, weights_of(model), strict=True):
        np.testing.assert_array_equal(first, second)
    digests = {run.made_of["weights"] for run in comparison.runs if run.seed == 0}
    assert len(digests) == 1
    found = histories(comparison)
    assert found["plain", 0] != found["plain", 1]
    model.fit(*TRAINING, verbose=0)


def test_random_numbers_of_the_user_are_left_alone(tmp_path: Path) -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    compared_soon(tmp_path)
    assert np.random.random() == expected


def test_a_data_set_made_from_the_seed_is_the_same_for_all(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")

    def batches(seed: int) -> Any:
        data = tf.data.Dataset.from_tensor_slices(TRAINING)
        return data.shuffle(64, seed=seed).repeat().batch(16)

    twice = {name: keras.optimizers.SGD(0.05) for name in ("one", "two")}
    arguments = {"train_data": batches, "steps_per_epoch": 4, "optimizers": twice}
    found = histories(compared_soon(tmp_path, **arguments))
    assert found["one", 0] == found["two", 0]
    shuffled = batches(0)
    with pytest.raises(ValueError, match="does it shuffle"):
        compared_soon(tmp_path / "2", train_data=shuffled, steps_per_epoch=4)


def test_steps_are_those_that_there_were_where_data_end_without_notice(
    tmp_path: Path,
) -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(TRAINING).batch(16)
    endless_for_all_it_knows = data.filter(lambda *batch: True)
    arguments = {"train_data": endless_for_all_it_knows, "optimizers": OPTIMIZERS}
    comparison = compared_soon(tmp_path, epochs=2, **arguments)
    assert all(run.steps == [4, 8] for run in comparison.runs)


def test_accumulated_gradients_make_one_update(tmp_path: Path) -> None:
    sgd = keras.optimizers.SGD(0.05, gradient_accumulation_steps=2)
    comparison = compared_soon(tmp_path, optimizers={"sgd": sgd}, epochs=2)
    assert all(run.steps == [2, 4] for run in comparison.runs)


def test_mixed_precision_scales_the_loss_for_all(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    comparison = compared_soon(tmp_path, optimizers=OPTIMIZERS, epochs=2)
    for run in comparison.runs:
        assert run.steps == [4, 8]
        assert not run.diverged


def test_without_validation_the_loss_decides(tmp_path: Path) -> None:
    comparison = compared_soon(tmp_path, validation_data=None)
    assert (comparison.metric, comparison.mode) == ("loss", "min")


def test_settings_are_kept_for_reading(tmp_path: Path) -> None:
    compared_soon(tmp_path, metric="val_loss")
    settings = json.loads((tmp_path / "comparison.json").read_text("utf-8"))
    files = settings.pop("files")
    assert settings == {"metric": "val_loss", "mode": "min", "target": None}
    assert {"comparison.txt", "comparison.csv", "comparison.png"} < set(files)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    arguments = {"seeds": np.arange(2), "target": np.float32(0.5)}
    comparison = compared_soon(tmp_path, epochs=np.int64(1), **arguments)
    assert comparison.seeds == [0, 1]
    assert load_comparison(tmp_path).target == 0.5


def test_models_of_several_devices_are_compared(tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the strategies are TensorFlow's")
    tf = pytest.importorskip("tensorflow")
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])

    def build() -> keras.Model:
        with strategy.scope():
            return build_model()

    twice = {name: keras_momentum.NAG(0.05) for name in ("one", "two")}
    one, two = compared_soon(tmp_path, build_model=build, optimizers=twice).runs
    assert one.history == two.history
