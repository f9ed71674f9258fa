"""Classes that count as much as each other, however few pictures they have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from fruits.augmentation import Augmentation
from fruits.class_weights import balanced
from fruits.config import Config
from fruits.data import FruitData
from fruits.pipeline import training_batches
from tests.examples.squares_in_memory import squares_of
from tests.once import once

COUNTS = {"apple": 12, "lime": 3, "plum": 1}


@once
@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        # As sklearn.utils.class_weight.compute_class_weight("balanced", ...) has it.
        ([5, 5], [1.0, 1.0]),
        ([8, 2], [0.625, 2.5]),
        ([12, 3, 1], [16 / 36, 16 / 9, 16 / 3]),
        ([0, 6, 2], [0.0, 8 / 12, 8 / 4]),
    ],
)
def test_weights_are_the_balanced_ones(
    counts: list[int], expected: list[float]
) -> None:
    weights = balanced(np.array(counts))
    np.testing.assert_allclose(weights, expected)
    # The learning rate keeps its meaning.
    assert (weights * counts).sum() == pytest.approx(sum(counts))


def weighted(how: Augmentation, weights: np.ndarray, folder: Path) -> Iterator[Any]:
    pictures = np.zeros((16, 8, 8, 3), np.uint8)
    labels = np.repeat([0, 1, 2], [12, 3, 1])
    batches = training_batches(
        squares_of(pictures, labels, classes=3, side=8, folder=folder),
        image_size=8,
        batch_size=16,
        how=how,
        seed=0,
        class_weights=weights,
    )
    return batches.take(3).as_numpy_iterator()


@once
def test_a_picture_has_the_weight_of_its_class(tmp_path: Path) -> None:
    weights = balanced(np.array([12, 3, 1]))
    for _, labels, found in weighted(Augmentation(), weights, tmp_path):
        np.testing.assert_allclose(found, weights[labels.argmax(axis=1)], rtol=1e-6)
        assert found.mean() == pytest.approx(1)


@once
def test_a_mixed_picture_has_the_mean_of_both_weights(tmp_path: Path) -> None:
    """Keras's class_weight would give it that of the larger part."""
    weights, mixed = balanced(np.array([12, 3, 1])), 0
    for _, labels, found in weighted(Augmentation(mixup=1.0), weights, tmp_path):
        np.testing.assert_allclose(found, labels @ weights, rtol=1e-5)
        mixed += (labels.max(axis=1) < 0.9).sum()
    assert mixed > 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of each class to train on, and broken ones, which do not count."""
    folder = tmp_path_factory.mktemp("photos")
    for split in ("train", "val"):
        for i, (name, count) in enumerate(COUNTS.items()):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                picture = Image.new("RGB", (20 + number, 20), (90 * i, 30, 9 * number))
                picture.save(folder / split / name / f"{number}.jpg")
    for number in range(5):
        (folder / "train" / "plum" / f"broken{number}.jpg").write_bytes(b"\xff\xd8")
    return folder


def config(photos: Path, cache: Path, **training: Any) -> Config:
    data = {
        "source": "folder",
        "path": str(photos),
        "image_size": 16,
        "batch_size": 16,
        "cache_dir": str(cache),
    }
    model = {"width": 2, "stages": 1, "dropout": 0.0}
    changes = {"flip": False}
    return Config.model_validate(
        {"data": data, "model": model, "augmentation": changes, "training": training}
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_fit_weights_the_loss_and_not_the_accuracy(
    smoothing: float, photos: Path, tmp_path: Path
) -> None:
    chosen = {"class_weight": "balanced", "label_smoothing": smoothing}
    data = FruitData(config(photos, tmp_path, **chosen))
    # Nothing moves, so that the losses can be computed afterwards.
    model = data.compiled_model(keras.optimizers.SGD(0.0))
    batches = data.training(0)
    logs = model.fit(batches, steps_per_epoch=1, verbose=0).history
    ((pictures, labels, found),) = batches.take(1).as_numpy_iterator()
    weights = len(labels) / 3 / labels.sum(axis=0)
    np.testing.assert_allclose(found, labels @ weights, rtol=1e-5)
    logits = keras.ops.convert_to_numpy(model(pictures, training=True))
    right = logits.argmax(axis=1) == labels.argmax(axis=1)
    assert logs["accuracy"] == [pytest.approx(right.mean())]
    smooth = labels * (1 - smoothing) + smoothing / 3
    log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    losses = -(smooth * log_shares).sum(axis=1)
    assert logs["loss"] == [pytest.approx((losses * found).mean(), rel=1e-4)]
    assert losses.mean() != pytest.approx((losses * found).mean(), rel=1e-3)


@once
def test_without_it_there_are_no_weights(photos: Path, tmp_path: Path) -> None:
    data = FruitData(config(photos, tmp_path))
    assert len(next(iter(data.training(0)))) == 2
    weighted_data = FruitData(config(photos, tmp_path, class_weight="balanced"))
    assert len(next(iter(weighted_data.evaluation()["validation"]))) == 2
