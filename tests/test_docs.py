"""What docs/ says."""

import ast
import inspect
import itertools
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

import keras_momentum
from keras_momentum import callbacks, schedules
from keras_momentum.optimizers._parts.formula import Formula
from tests.comparison.problem import build_model

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "schedules-and-callbacks.md"
TEXT = DOCUMENT.read_text("utf-8")
# `Name(arguments)` in the first cell, links to tests in the last one.
ROWS = {
    match.group(1): match.group(2)
    for match in re.finditer(r"^\| `(\w+)\([^|]*`.*\| ([^|]*) \|$", TEXT, re.MULTILINE)
}


def classes(module: ModuleType) -> set[str]:
    public = {name: getattr(module, name) for name in module.__all__}
    return {name for name, value in public.items() if inspect.isclass(value)}


@pytest.mark.parametrize("module", [schedules, callbacks], ids=lambda m: m.__name__)
def test_every_schedule_and_callback_is_listed(module: ModuleType) -> None:
    assert classes(module) <= set(ROWS)


def test_each_is_named_in_its_test() -> None:
    family = (ROOT / "tests" / "schedules" / "family.py").read_text("utf-8")
    for name in classes(schedules):
        assert f'"{name}"' in family
    for name in classes(callbacks):
        files = re.findall(r"\]\(([^)]+)\)", ROWS[name])
        assert files
        for file in files:
            assert name in (DOCUMENT.parent / file).read_text("utf-8"), (name, file)


def test_signatures_are_those_of_the_classes() -> None:
    for name in classes(schedules) | classes(callbacks):
        written = re.search(rf"^\| `{name}\(([^`]*)\)`", TEXT, re.MULTILINE)
        assert written
        kind = getattr(schedules, name, None) or getattr(callbacks, name)
        parameters = inspect.signature(kind).parameters
        for part in filter(None, written.group(1).split(", ")):
            argument, _, default = part.partition("=")
            assert argument in parameters, (name, argument)
            if default:
                assert repr(parameters[argument].default) == default.replace('"', "'")


def test_every_one_has_an_example_that_is_run() -> None:
    for module in (schedules, callbacks):
        for name in classes(module):
            docstring = inspect.getdoc(getattr(module, name)) or ""
            assert "Example:\n\n>>> " in docstring, name


def test_code_of_comparisons_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "comparisons.md").read_text("utf-8")
    find, compare = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 8)), rng.integers(0, 2, 32)
    names = {
        "keras_momentum": keras_momentum,
        "model": build_model(optimizer=keras_momentum.Momentum(0.01)),
        "build_model": build_model,
        "x": x,
        "y": y,
        "x_validation": x,
        "y_validation": y,
    }
    exec(find, names)
    assert (tmp_path / "plane.png").exists()
    exec(compare.replace("epochs=10", "epochs=1"), names)
    comparison = keras_momentum.comparison.load_comparison("runs/mine")
    assert comparison.names == ["Adam", "NAG"]


def test_code_of_muon_runs_as_it_stands() -> None:
    _, section = TEXT.split("## Muon with a momentum that is warmed up")
    code = re.findall(r"```python\n(.*?)\n```", section, re.DOTALL)[0]
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    names = {"model": model, "x": np.ones((8, 3)), "y": np.ones((8, 2))}
    exec(code, names)
    # The arguments of Keras's line, and one more.
    for name in ("learning_rate", "weight_decay"):
        before, after = (float(getattr(names[n], name)) for n in ("before", "after"))
        assert before == pytest.approx(after)
    gammas = [float(names["up_and_down"](t)) for t in (0, 150, 300, 1950, 1975, 2000)]
    assert gammas == pytest.approx([0.85, 0.9, 0.95, 0.95, 0.9, 0.85])
    assert float(names["after"].gamma) == pytest.approx(0.85)
    assert float(names["cooled"].gamma) == pytest.approx(0.85)
    assert float(model.optimizer.gamma) == pytest.approx(0.95)


def code_of(source: str) -> dict[str, str]:
    """The classes of some Python by name, without docstrings, as they are computed."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            if ast.get_docstring(node):
                node.body = node.body[1:]
            found[node.name] = ast.unparse(node)
    return found


def test_code_of_your_own_runs_and_is_that_of_the_example() -> None:
    text = (ROOT / "docs" / "write-your-own.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
    example = (ROOT / "examples" / "write_your_own.py").read_text("utf-8")
    assert code_of(code) == code_of(example)
    names: dict[str, Any] = {}
    exec(code.replace('package="write_your_own"', 'package="tests"'), names)
    weight = keras.Variable(1.0)
    names["QHM"](0.5, momentum=0.9).apply([keras.ops.ones(())], [weight])
    # 0.3 of the gradient, and 0.7 of an average in which a tenth of it is.
    moved = 1.0 - float(keras.ops.convert_to_numpy(weight))
    assert moved == pytest.approx(0.5 * (0.3 + 0.07))


def test_what_an_optimizer_may_say_is_what_its_base_says() -> None:
    def rows(text: str) -> list[str]:
        lines = [line.strip() for line in text.splitlines()]
        start = lines.index("| name | what it is | default |")
        return list(itertools.takewhile(bool, lines[start:]))

    text = (ROOT / "docs" / "write-your-own.md").read_text("utf-8")
    assert rows(text) == rows(Formula.__doc__ or "")


def test_every_row_of_the_family_in_the_docs_is_there() -> None:
    text = (ROOT / "docs" / "write-your-own.md").read_text("utf-8")
    (row,) = re.findall(r"^    \"QHM\".*?^    \),$", text, re.DOTALL | re.MULTILINE)
    assert row in (ROOT / "tests" / "optimizers" / "family.py").read_text("utf-8")


def test_every_script_that_is_named_exists() -> None:
    for document in (ROOT / "README.md", *ROOT.glob("*/*.md")):
        for script in re.findall(r"python (examples/\S+\.py)", document.read_text()):
            assert (ROOT / script).exists(), f"{document.name}: {script}"
