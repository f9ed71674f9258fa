"""The text: the modules of Python's standard library, which are on every machine."""

import collections
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

# Of a longer module the beginning, so that a few do not make up most of the text.
_MOST_OF_A_FILE = 20_000
# Nearly all of the text; what is left is one character in some 20,000.
_COMMON = 95
UNKNOWN = 0
# Of ten files one each.
_VALIDATION, _TEST = 4, 9

# Sequences of characters, and those that follow each of them.
Sequences = tuple[np.ndarray, np.ndarray]


class Text(NamedTuple):
    """Characters as numbers, in parts that have no file in common.

    Attributes:
        alphabet: The characters with the numbers 1, 2, and so on; 0 are all others.
        training: What a model learns.
        validation: By which a learning rate is chosen.
        test: By which optimizers are judged.
    """

    alphabet: str
    training: Sequences
    validation: Sequences
    test: Sequences

    @property
    def characters(self) -> int:
        """How many there are to tell apart, with the unknown one."""
        return len(self.alphabet) + 1


def read_text(files: Sequence[Path], length: int, held_back: int) -> Text:
    """Reads files in the order that they have; the alphabet is that of training.

    Args:
        files: At least ten.
        length: The number of characters in a sequence.
        held_back: The number of sequences in validation and test, from all over them.
    """
    parts = split(files)
    texts = {name: [_read(file) for file in part] for name, part in parts.items()}
    alphabet = alphabet_of(texts["training"])
    found = {}
    for name, part in texts.items():
        pairs = [sequences(numbers_of(text, alphabet), length) for text in part]
        x, y = (np.concatenate(each) for each in zip(*pairs, strict=True))
        if name != "training":
            places = np.linspace(0, len(x) - 1, min(held_back, len(x))).astype(int)
            x, y = x[places], y[places]
        found[name] = x, y
    return Text(alphabet, **found)


def library_files() -> list[Path]:
    """The modules at the top of Python's standard library, by name.

    Raises:
        FileNotFoundError: If this Python has none as text.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(folder.glob("*.py"))
    if len(files) < 10:
        raise FileNotFoundError(
            f"{folder} has {len(files)} modules of Python's standard library as text; "
            "take a Python that is installed with them"
        )
    return files


def split(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Of ten files one for validation, one for the test and eight for training."""
    parts: dict[str, list[Path]] = {"training": [], "validation": [], "test": []}
    for place, file in enumerate(files):
        name = {_VALIDATION: "validation", _TEST: "test"}.get(place % 10, "training")
        parts[name].append(file)
    return parts


def alphabet_of(texts: Sequence[str]) -> str:
    """The most common characters, in the order of their code points."""
    counts = collections.Counter("".join(texts))
    return "".join(sorted(character for character, _ in counts.most_common(_COMMON)))


def numbers_of(text: str, alphabet: str) -> np.ndarray:
    """The number of each character, `UNKNOWN` where the alphabet does not have it."""
    numbers = {character: number for number, character in enumerate(alphabet, 1)}
    return np.array([numbers.get(each, UNKNOWN) for each in text], "int32")


def sequences(numbers: np.ndarray, length: int) -> Sequences:
    """Cuts a text into sequences that do not overlap; what is left over is dropped."""
    count = max(len(numbers) - 1, 0) // length
    x, y = (numbers[begin : begin + count * length] for begin in (0, 1))
    return x.reshape(count, length), y.reshape(count, length)


def _read(file: Path) -> str:
    return file.read_text("utf-8", errors="replace")[:_MOST_OF_A_FILE]
