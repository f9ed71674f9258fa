"""The data sets: the same from one seed, complete, and honest about what is missing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fruits.errors import DataError
from fruits.folder import FolderPictures
from fruits.grocery import GroceryFruits
from fruits.photos import PhotoTree
from fruits.prepared import prepare
from fruits.rendered import RenderedFruits
from fruits.rendering import KINDS, draw_fruit

GROCERY = Path(__file__).parents[3] / "shared" / "data" / "GroceryStoreDataset"
needs_grocery = pytest.mark.skipif(
    not GROCERY.exists(), reason="the Grocery Store Dataset is not there"
)


def photo(path: Path, colour: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 16), colour).save(path)


def names(builder: PhotoTree, split: str) -> set[Path]:
    return {photo.file.path for photo in builder.photos[split]}


def test_drawings_follow_from_their_seed_alone() -> None:
    assert len(KINDS) >= 10
    for kind in KINDS:
        first = draw_fruit(kind, 32, (0, 1, 2))
        assert first.shape == (32, 32, 3)
        np.testing.assert_array_equal(first, draw_fruit(kind, 32, (0, 1, 2)))
        assert np.abs(first.astype(int) - draw_fruit(kind, 32, (0, 1, 3))).mean() > 5


def test_rendered_fruits_are_balanced_and_do_not_depend_on_their_number(
    tmp_path: Path,
) -> None:
    few = RenderedFruits(32, 26, 13, 13, 0, tmp_path)
    more = RenderedFruits(32, 39, 13, 13, 0, tmp_path)
    for builder in (few, more):
        prepare(builder)
    by_label = {}
    for builder in (few, more):
        data = [
            (int(row["label"]), row["image"].tobytes())
            for row in builder.as_dataset(split="train").as_numpy_iterator()
        ]
        by_label[builder] = data
    counts = np.bincount([label for label, _ in by_label[few]])
    assert counts.tolist() == [2] * len(KINDS)
    assert set(by_label[few]) < set(by_label[more])


def test_broken_photos_are_left_out_and_named_every_time(tmp_path: Path) -> None:
    root = tmp_path / "fruit"
    for i in range(5):
        photo(root / "red apple" / f"{i}.JPG")
        photo(root / "Kürbis" / "deep" / f"{i}.png", "orange")
    (root / "red apple" / "bad.jpg").write_text("no picture")
    (root / "red apple" / "notes.txt").write_text(
        "no picture, and it does not claim it"
    )
    for _ in range(2):
        builder = FolderPictures(root, tmp_path, validation_share=0.2, seed=0)
        prepare(builder)
        assert builder.left_out == [
            ("red apple/notes.txt", "it is not a picture"),
            ("red apple/bad.jpg", "it is not a picture"),
        ]
        total = sum(info.num_examples for info in builder.info.splits.values())
        assert total == 10
        assert builder.info.features["label"].names == ["Kürbis", "red apple"]


def test_folder_split_is_stratified_disjoint_and_repeatable(tmp_path: Path) -> None:
    for name, count in (("a", 10), ("b", 2), ("c", 1)):
        for i in range(count):
            photo(tmp_path / "in" / name / f"{i}.png")
    first, again, other = (
        FolderPictures(tmp_path / "in", tmp_path, validation_share=0.3, seed=seed)
        for seed in (0, 0, 1)
    )
    assert names(first, "validation") == names(again, "validation")
    assert names(first, "validation") != names(other, "validation")
    assert not names(first, "validation") & names(first, "train")
    held_back = [path.parent.name for path in sorted(names(first, "validation"))]
    assert held_back == ["a", "a", "a", "b"]


def test_folder_with_splits_of_its_own(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        for name in ("a", "b"):
            photo(tmp_path / "in" / split / name / "1.png")
    builder = FolderPictures(tmp_path / "in", tmp_path, validation_share=0.2, seed=0)
    assert sorted(builder.photos) == ["test", "train", "validation"]


def test_unusable_folders_are_refused_in_one_sentence(tmp_path: Path) -> None:
    def build(path: Path) -> FolderPictures:
        return FolderPictures(path, tmp_path / "out", validation_share=0.2, seed=0)

    with pytest.raises(DataError, match="does not exist"):
        build(tmp_path / "missing")
    photo(tmp_path / "in" / "a" / "1.png")
    with pytest.raises(DataError, match="is not a folder"):
        build(tmp_path / "in" / "a" / "1.png")
    with pytest.raises(DataError, match="at least two.*found 1"):
        build(tmp_path / "in")
    (tmp_path / "in" / "b").mkdir()
    (tmp_path / "in" / "b" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="at least two classes.*found 1"):
        prepare(build(tmp_path / "in"))


def test_grocery_split_that_comes_later_is_seen(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for split in ("train", "val"):
        for name in ("Apple/Royal-Gala", "Lemon"):
            photo(tmp_path / "in" / "dataset" / split / "Fruit" / name / "1.jpg")
    first = GroceryFruits(tmp_path / "in", tmp_path)
    assert "no test split" in caplog.text
    prepare(first)
    assert sorted(first.info.splits) == ["train", "validation"]
    dataset = tmp_path / "in" / "dataset"
    shutil.copytree(dataset / "val", dataset / "test")
    second = GroceryFruits(tmp_path / "in", tmp_path)
    prepare(second)
    assert sorted(second.info.splits) == ["test", "train", "validation"]
    assert second.info.features["label"].names == ["Apple", "Lemon"]


def test_grocery_without_a_validation_split_keeps_pictures_back(
    tmp_path: Path,
) -> None:
    for name in ("Apple/Royal-Gala", "Lemon"):
        for number in range(5):
            photo(tmp_path / "in" / "train" / "Fruit" / name / f"{number}.jpg")
            photo(tmp_path / "in" / "train" / "Packages" / "Juice" / f"{number}.jpg")
    builder = GroceryFruits(tmp_path / "in", tmp_path)
    assert {split: len(found) for split, found in builder.photos.items()} == {
        "train": 8,
        "validation": 2,
    }
    assert builder.labels == ["Apple", "Lemon"]


def test_grocery_without_fruit_is_refused(tmp_path: Path) -> None:
    for number in range(5):
        photo(tmp_path / "in" / "train" / "Packages" / "Juice" / f"{number}.jpg")
    with pytest.raises(DataError, match="dataset/train/Fruit/<kind>/"):
        GroceryFruits(tmp_path / "in", tmp_path)


@needs_grocery
def test_grocery_has_its_photos(tmp_path: Path) -> None:
    builder = GroceryFruits(GROCERY, tmp_path)
    assert len(builder.labels) == 19
    assert len(builder.photos["train"]) == 1142
    assert len(builder.photos["validation"]) == 111
