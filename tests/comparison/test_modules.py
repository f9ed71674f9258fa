"""What depends on what in the comparison, and what of it is public."""

import ast
import graphlib
import inspect
from pathlib import Path

import pytest

from keras_momentum import comparison

PACKAGE = "keras_momentum.comparison"
FILES = sorted(Path(comparison.__file__).parent.glob("*.py"))


def imported(file: Path) -> set[str]:
    """The modules of the package that a file imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = (f"{node.module}.{alias.name}." for alias in node.names)
            found |= {
                name.removeprefix(f"{PACKAGE}.").split(".")[0]
                for name in names
                if name.startswith(f"{PACKAGE}.")
            }
    return found


def test_imports_have_no_cycle() -> None:
    graph = {file.stem: imported(file) for file in FILES}
    assert "_runs" in graph["_training"]
    graphlib.TopologicalSorter(graph).prepare()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_files_are_short_and_show_only_what_is_public(file: Path) -> None:
    text = file.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    if not file.stem.startswith("_"):
        for node in ast.parse(text).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                is_public = not node.name.startswith("_")
                assert is_public == (node.name in comparison.__all__), node.name


def test_what_is_public_has_a_docstring() -> None:
    for name in comparison.__all__:
        public = getattr(comparison, name)
        assert inspect.getdoc(public), name
        members = vars(public) if inspect.isclass(public) else {}
        for member, value in members.items():
            if not member.startswith("_") and isinstance(
                value, (property, classmethod, type(test_imports_have_no_cycle))
            ):
                assert inspect.getdoc(value), f"{name}.{member}"
