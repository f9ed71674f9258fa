"""What the README says can be run, and is."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_momentum
from tests.once import once

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_continuous_integration_runs_the_test_command() -> None:
    _, test = re.findall(r"```bash\n(.*?)\n```", README, re.DOTALL)
    assert test in (ROOT / ".ci" / "run").read_text("utf-8")


def test_first_command_is_the_tested_script() -> None:
    train, _ = re.findall(r"```bash\n(.*?)\n```", README, re.DOTALL)
    assert train.endswith("python examples/train_fruits.py")
    assert "[examples]" in train


def test_code_runs_as_it_stands() -> None:
    (code,) = re.findall(r"```python\n(.*?)\n```", README, re.DOTALL)
    rng = np.random.default_rng(0)
    names = {"x": rng.random((32, 64)), "y": rng.integers(0, 10, 32)}
    exec(code.replace("epochs=10", "epochs=2"), names)
    gamma = keras.ops.convert_to_numpy(names["model"].optimizer.gamma)  # type: ignore[attr-defined]
    assert float(gamma) == pytest.approx(0.95)


def test_every_link_leads_somewhere() -> None:
    for document in (ROOT / "README.md", *ROOT.glob("*/*.md")):
        for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
            if "://" not in target:
                file, _, _ = target.partition("#")
                assert (document.parent / file).exists(), target


@pytest.mark.slow
@once
def test_keras_ignores_a_callback_that_sets_momentum(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "silent_momentum.py"), "p.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "callback makes to Keras's losses: 0.0" in result.stdout
    assert (tmp_path / "p.png").exists()


@pytest.mark.slow
@once
def test_momentum_tour_shows_every_schedule(tmp_path: Path) -> None:
    import momentum_tour

    assert set(momentum_tour.tour(1000)) == set(keras_momentum.schedules.__all__)
    script = str(ROOT / "examples" / "momentum_tour.py")
    result = subprocess.run(
        [sys.executable, script, "p.png", "--steps", "20", "--schedules", "Demon"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"^(\w+): 0\.\d{3}$", result.stdout, re.MULTILINE) == [
        "Constant",
        "Demon",
    ]
    assert result.stdout.strip().endswith("Picture: p.png")
    assert (tmp_path / "p.png").exists()


@pytest.mark.slow
@once
def test_narrow_valley_reaches_the_rates_of_theory(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "narrow_valley.py"), "p.png"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip().endswith("p.png")
    assert (tmp_path / "p.png").exists()
    rows = re.findall(r"(0\.\d{4}) │ +(0\.\d{4})", result.stdout)
    assert len(rows) == 5
    for measured, theory in rows:
        assert float(measured) == pytest.approx(float(theory), rel=0.01)


@once
def test_the_commands_for_a_gpu_can_be_given() -> None:
    """They need a GPU to be run; what they install and set is there."""
    from fruits.config_file import load_config

    (commands,) = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    install, train = commands.splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (extras,) = re.findall(r'"\.\[(.*)\]"', install)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    script, option, value = train.split()[1:]
    assert (ROOT / script).exists()
    rendered = ROOT / "configs" / "rendered.toml"
    _, config = load_config(rendered, {option.removeprefix("--"): value})
    assert config.training.precision == value
