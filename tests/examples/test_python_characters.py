"""The characters of Python's standard library, and who learns them best."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from characters.text import (
    UNKNOWN,
    alphabet_of,
    library_files,
    numbers_of,
    read_text,
    sequences,
    split,
)
from tests.once import once

SCRIPT = Path(__file__).parents[2] / "examples" / "python_characters.py"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Twenty, with a character of its own in each."""
    made = [tmp_path / f"{place:02}.py" for place in range(20)]
    for place, file in enumerate(made):
        file.write_text(chr(ord("a") + place) * 50, "utf-8")
    return made


def test_the_library_is_the_same_text_each_time() -> None:
    files = library_files()
    assert len(files) >= 100
    assert "argparse.py" in {file.name for file in files}
    first, again = (read_text(files, 48, held_back=100) for _ in range(2))
    assert first.alphabet == again.alphabet
    assert len(first.alphabet) == first.characters - 1 == 95
    assert {*"\n aeimportself()_"} <= {*first.alphabet}
    for part, same in zip(first[1:], again[1:], strict=True):
        for numbers, same_numbers in zip(part, same, strict=True):
            np.testing.assert_array_equal(numbers, same_numbers)
            assert numbers.dtype == np.int32
            assert numbers.shape[1:] == (48,)
            assert 0 <= numbers.min() <= numbers.max() < first.characters
            assert np.mean(numbers == UNKNOWN) < 0.001
    assert len(first.training[0]) > 20_000
    assert len(first.validation[0]) == len(first.test[0]) == 100


def test_parts_have_no_file_in_common(files: list[Path]) -> None:
    parts = split(files)
    assert [len(part) for part in parts.values()] == [16, 2, 2]
    assert sorted(file for part in parts.values() for file in part) == files
    text = read_text(files, 10, held_back=100)
    # Of the files held back nothing is known, and nothing is learned.
    assert {*text.alphabet} == {*"abcdefghijklmnopqrst"} - {*"ejot"}
    assert (text.training[0] != UNKNOWN).all()
    assert (text.validation[0] == UNKNOWN).all()
    assert (text.test[0] == UNKNOWN).all()


def test_sequences_are_cut_one_after_the_other_and_targets_are_what_follows() -> None:
    x, y = sequences(np.arange(23, dtype="int32"), 5)
    np.testing.assert_array_equal(x, np.arange(20).reshape(4, 5))
    np.testing.assert_array_equal(y, x + 1)


@pytest.mark.parametrize("length", [0, 1, 5])
def test_a_file_shorter_than_a_sequence_gives_none(length: int) -> None:
    x, y = sequences(np.zeros(length, "int32"), 5)
    assert x.shape == y.shape == (0, 5)


def test_a_character_that_is_not_common_is_unknown() -> None:
    assert alphabet_of(["ba", "ab"]) == "ab"
    np.testing.assert_array_equal(numbers_of("abéa", "ab"), [1, 2, UNKNOWN, 1])
    many = "".join(chr(256 + place) for place in range(200))
    assert len(alphabet_of([many, "ab"])) == 95
    assert {*alphabet_of([many, 2 * "ab"])} > {*"ab"}


def test_sequences_held_back_are_from_all_over(files: list[Path]) -> None:
    for file in files[9::10]:
        file.write_text(file.name[0] * 50, "utf-8")
    files[0].write_text("01", "utf-8")
    text = read_text(files, 7, held_back=2)
    first, last = ({text.alphabet[each - 1] for each in x} for x in text.test[0])
    assert (first, last) == ({"0"}, {"1"})


def test_the_model_looks_at_nothing_that_is_to_come() -> None:
    from characters.model import build_model

    model = build_model(20, 8, 8, heads=2)
    x = np.arange(8, dtype="int32")[None]
    changed = np.array([[*range(5), 17, 18, 19]], "int32")
    one, other = (model.predict(each, verbose=0) for each in (x, changed))
    assert one.shape == (1, 8, 20)
    np.testing.assert_allclose(one[:, :5], other[:, :5], atol=1e-5)
    assert not np.allclose(one[:, 5:], other[:, 5:], atol=1e-5)
    paths = [weight.path for weight in model.trainable_variables]
    assert sum("embedding" in path for path in paths) == 2
    assert sum("head/" in path for path in paths) == 2


@pytest.mark.slow
@once
def test_optimizers_are_compared_at_their_own_rates(tmp_path: Path) -> None:
    arguments = ("--quick", "--updates=12", "--seeds=3")
    output = run(tmp_path, *arguments)
    for name in ("Muon, 0.95", "Muon, 0.85 → 0.95", "AdEMAMix", "MomentumAdam"):
        assert f"\n{name}: " in f"\n{output}"
        assert f"│ {name}, η " in output
    assert "3 seeds tell it from" in output.splitlines()[-1]
    compared = tmp_path / "runs" / "python_characters-quick" / "compared"
    assert (compared / "comparison.png").exists()
    assert len(list(compared.rglob("run.json"))) == 12
    again = run(tmp_path, *arguments)
    assert "12 of 12 runs are finished" in again
    assert again.splitlines()[-1] == output.splitlines()[-1]


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "150"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
