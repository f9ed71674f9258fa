"""What depends on what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    "_backend",
    "schedules",
    "_hyperparameters",
    "optimizers._parts",
    "optimizers",
    "callbacks",
    "drawing",
    "comparison",
]


def imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("layer", LAYERS[:-1])
def test_imports_go_one_way(layer: str) -> None:
    place = LAYERS.index(layer)
    below = tuple(f"keras_momentum.{other}." for other in LAYERS[place + 1 :])
    allowed = tuple(f"keras_momentum.{other}." for other in LAYERS[: place + 1])
    room = ROOT / "keras_momentum" / layer.replace(".", "/")
    files = list(room.glob("*.py")) or [room.with_suffix(".py")]
    for file in files:
        for name in imported(file):
            name = f"{name}."
            is_below = name.startswith(below) and not name.startswith(allowed)
            assert not is_below, f"{file.name} imports {name}"


def test_one_file_alone_asks_which_backend_it_is() -> None:
    asking = [
        file.relative_to(ROOT / "keras_momentum").as_posix()
        for file in (ROOT / "keras_momentum").rglob("*.py")
        if "backend.backend()" in file.read_text("utf-8")
    ]
    # A run records the name and the version; the random numbers of PyTorch are its own;
    # TensorFlow reads batches of data that have no specification in its own way.
    names = ("_checkpoint", "_identity", "_state", "_streams", "_training")
    allowed = [f"comparison/{name}.py" for name in names]
    assert sorted(asking) == sorted(["_backend/__init__.py", *allowed])


def test_one_file_alone_draws_with_matplotlib() -> None:
    drawing = [
        file.relative_to(ROOT).as_posix()
        for folder in ("keras_momentum", "examples")
        for file in (ROOT / folder).rglob("*.py")
        if any(name.split(".")[0] == "matplotlib" for name in imported(file))
    ]
    assert drawing == ["keras_momentum/drawing.py"]


def test_examples_use_public_names_only() -> None:
    for file in (ROOT / "examples").rglob("*.py"):
        for name in imported(file):
            assert not name.startswith("keras.src"), f"{file.name} imports {name}"
            if name.startswith("keras_momentum"):
                assert "._" not in name
                assert name.count(".") <= 2, f"{file.name} imports {name}"


@pytest.mark.slow
def test_the_library_needs_only_keras_and_numpy() -> None:
    code = (
        "import sys, keras\n"
        "before = {name.split('.')[0] for name in sys.modules}\n"
        "import keras_momentum\n"
        "after = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(after - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "['keras_momentum']"
