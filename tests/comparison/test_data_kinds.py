"""Whatever `fit` takes, for training and for validation."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_momentum import NAG
from keras_momentum.comparison import load_comparison
from tests.comparison.problem import OPTIMIZERS, TRAINING, compared_soon

X, Y = TRAINING
TWICE = {"one": NAG(0.1), "two": NAG(0.1)}


class Batched(keras.utils.PyDataset):
    """As users write them, perhaps with threads."""

    def __init__(self, **arguments: Any):
        super().__init__(**arguments)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        part = slice(16 * index, 16 * index + 16)
        return X[part], Y[part]


def generator(seed: int = 0) -> Iterator[Any]:
    batches = Batched()
    while True:
        for index in range(4):
            yield batches[index]


def dataset() -> Any:
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)


def loader() -> Any:
    data = pytest.importorskip("torch.utils.data")
    torch = pytest.importorskip("torch")
    return data.DataLoader(
        data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=16
    )


def sparse() -> Any:
    return pytest.importorskip("scipy.sparse").csr_array(X), Y


KINDS: dict[str, Callable[[], Any]] = {
    "arrays": lambda: (X, Y),
    "with weights": lambda: (X, Y, np.ones(64, "float32")),
    "lists": lambda: [X.tolist(), Y.tolist()],
    "dictionaries": lambda: ({"x": X}, Y),
    "sparse": sparse,
    "PyDataset": Batched,
    "with threads": lambda: Batched(workers=3, max_queue_size=2),
    "tf.data": dataset,
    "of unknown length": lambda: dataset().filter(lambda *_: True),
    "DataLoader": loader,
    "function": lambda: lambda *seed: Batched(),
}


def small_model(names: bool) -> keras.Model:
    inputs = keras.Input((8,), name="x")
    outputs = keras.layers.Dense(2)(inputs)
    model = keras.Model({"x": inputs} if names else inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_optimizer_twice_does_the_same_on_data_of_any_kind(
    kind: str, tmp_path: Path
) -> None:
    data = KINDS[kind]()
    arguments: dict[str, Any] = {
        "build_model": lambda: small_model(kind == "dictionaries"),
        "optimizers": TWICE,
        "epochs": 2,
        "train_data": data,
        "validation_data": data if kind != "lists" else (X, Y),
    }
    one, two = compared_soon(tmp_path, **arguments).runs
    assert one.history == two.history
    batches = 2 if kind in ("arrays", "with weights", "lists", "dictionaries") else 4
    assert one.steps in ([batches * 2, batches * 4], [4, 8])
    # Finished runs are taken for the same data.
    again = compared_soon(tmp_path, **arguments)
    assert [run.history for run in again.runs] == [one.history, two.history]


def test_a_generator_made_from_the_seed_is_taken_with_steps(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {
        "optimizers": TWICE,
        "train_data": generator,
        "validation_data": lambda: generator(),
        "validation_steps": 4,
    }
    with pytest.raises(ValueError, match="`steps_per_epoch` must be given"):
        compared_soon(tmp_path, **arguments)
    one, two = compared_soon(tmp_path, steps_per_epoch=4, **arguments).runs
    assert one.history == two.history
    assert one.steps == [4]


def test_a_generator_that_ends_too_soon_is_said(tmp_path: Path) -> None:
    def short(seed: int) -> Any:
        return (Batched()[index] for index in range(4))

    arguments = {"train_data": short, "steps_per_epoch": 4, "epochs": 2}
    with pytest.raises(ValueError, match="Received: data that end after 4 batches"):
        compared_soon(tmp_path, **arguments)


def test_an_error_of_the_data_is_theirs(tmp_path: Path) -> None:
    class Broken(Batched):
        def __getitem__(self, index: int) -> Any:
            if index == 3:
                raise KeyError("no such picture")
            return super().__getitem__(index)

    with pytest.raises(KeyError, match="no such picture"):
        compared_soon(tmp_path, train_data=Broken())


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("PyDataset", "training"),
        ("tf.data", "training"),
        ("tf.data", "validation"),
        ("arrays", "training"),
        ("arrays", "validation"),
    ],
)
def test_data_that_differ_late_are_not_taken_for_the_same(
    kind: str, change: str, tmp_path: Path
) -> None:
    class Changed(Batched):
        def __getitem__(self, index: int) -> Any:
            x, y = super().__getitem__(index)
            return (x, 1 - y) if index == 3 else (x, y)

    changed: Any = Changed()
    if kind == "tf.data":
        batches = [Changed()[index] for index in range(4)]
        changed = dataset()
        tf = pytest.importorskip("tensorflow")
        changed = tf.data.Dataset.from_generator(
            lambda: iter(batches), output_signature=changed.element_spec
        )
    if kind == "arrays":
        changed = (X, np.concatenate([Y[:63], 1 - Y[63:]]))
    data = KINDS[kind]()
    arguments = {"train_data": data, "validation_data": data}
    compared_soon(tmp_path, **arguments)
    name = "train_data" if change == "training" else "validation_data"
    with pytest.raises(ValueError, match="other|another"):
        compared_soon(tmp_path, **{**arguments, name: changed})
    # As well where another run is to be trained.
    more = {**TWICE, "plain": OPTIMIZERS["plain"]}
    with pytest.raises(ValueError, match="other|another"):
        compared_soon(tmp_path, optimizers=more, **{**arguments, name: changed})
    assert not (tmp_path / "one" / "seed-0" / "run.json").exists()
    # What is read together is of the same.
    compared_soon(tmp_path, optimizers=TWICE, **{**arguments, name: changed})
    with pytest.raises(ValueError, match=r"'one'.* and 'plain'.* differ in their"):
        load_comparison(tmp_path)
    compared_soon(tmp_path, **arguments)


def test_texts_are_shuffled_and_trained_on(tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("texts are for TensorFlow")
    words = np.array([["red round"], ["long yellow"]] * 32)
    labels = np.arange(64) % 2

    def reads() -> keras.Model:
        vectorize = keras.layers.TextVectorization(
            vocabulary=["red", "round", "long", "yellow"], output_sequence_length=2
        )
        model = keras.Sequential(
            [
                keras.Input((1,), dtype="string"),
                vectorize,
                keras.layers.Embedding(6, 4),
                keras.layers.Flatten(),
                keras.layers.Dense(1, "sigmoid"),
            ]
        )
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        return model

    arguments: dict[str, Any] = {"build_model": reads, "optimizers": TWICE}
    for number, data in enumerate(
        [(words, labels), (words.astype(object), labels), _strings(words, labels)]
    ):
        one, two = compared_soon(
            tmp_path / str(number), train_data=data, validation_data=None, **arguments
        ).runs
        assert one.history == two.history


def _strings(words: Any, labels: Any) -> Any:
    tf = pytest.importorskip("tensorflow")
    return tf.data.Dataset.from_tensor_slices((words, labels)).batch(16)


def test_ragged_arrays_are_taken(tmp_path: Path) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("ragged arrays are TensorFlow's")
    tf = pytest.importorskip("tensorflow")
    ragged = tf.RaggedTensor.from_row_lengths(np.arange(96.0), [1, 2] * 32)

    class Mean(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.reduce_mean(x, axis=1, keepdims=True)

    def build() -> keras.Model:
        inputs = keras.Input((None,), ragged=True)
        outputs = keras.layers.Dense(1)(Mean()(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "mse")
        return model

    small = {name: NAG(1e-6) for name in ("one", "two")}
    one, two = compared_soon(
        tmp_path,
        build_model=build,
        optimizers=small,
        train_data=(ragged, Y.astype("float32")),
        validation_data=None,
    ).runs
    assert one.history == two.history
