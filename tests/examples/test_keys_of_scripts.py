"""A key that a script takes has an effect there; one without an effect is refused.

A key that is passed over in silence gives the result of something else.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import keras
import optuna
import pytest

import compare_fruits
import find_gamma
import fruits.models
import fruits.report
import fruits.study
import keras_momentum
import sweep_gamma
import train_fruits
from fruits import tuned
from fruits.command_line import CommandLine
from fruits.config import Config, Section
from fruits.config_file import keys_of, load_config, section_of
from fruits.errors import RefusedError
from fruits.values import kinds
from tests.examples.picture_folders import fill
from tests.once import once

pytestmark = once
KEYS = {key for key, field in keys_of() if not section_of(field)}
SCRIPTS = (train_fruits, compare_fruits, find_gamma, sweep_gamma)
DRAWN = """
[data]
train_images = 13
validation_images = 13
test_images = 13
image_size = 16
[model]
width = 2
stages = 1
"""
PHOTOS = """
[data]
source = "folder"
path = "photos"
image_size = 32
[model]
name = "MobileNet"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sections(section: type[Section] = Config, prefix: str = "") -> Iterator[Any]:
    """The kinds of sections, and how the keys in them begin."""
    yield section, prefix
    for name, field in section.model_fields.items():
        within = section_of(field)
        if within is not None:
            yield from sections(within, f"{prefix}{name}.")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The keys that are read after the configuration has been."""
    keys: set[str] = set()
    prefixes = dict(sections())
    is_on = False

    def getattribute(self: Section, name: str) -> Any:
        kind = type(self)
        if is_on and name in kind.model_fields:
            keys.add(prefixes[kind] + name)
        # To write all of it down is no use of it; to hand on a section is.
        if is_on and name == "model_dump" and kind is not Config:
            keys.update(prefixes[kind] + field for field in kind.model_fields)
        return object.__getattribute__(self, name)

    def config(*arguments: Any) -> Any:
        nonlocal is_on
        is_on = False
        found = read_config(*arguments)
        is_on = True
        return found

    read_config = CommandLine.config
    monkeypatch.setattr(CommandLine, "config", config)
    monkeypatch.setattr(Section, "__getattribute__", getattribute)
    return keys


class Study:
    """Takes part in a study of one trial, which comes to no end."""

    def __init__(self, *_: Any):
        pass

    def ended(self) -> list[Any]:
        return []

    def take_part(self, objective: Any, *_: Any) -> None:
        trial = optuna.trial.FixedTrial({"1 - gamma": 0.1, "learning_rate": 0.1})
        with contextlib.suppress(optuna.TrialPruned):
            objective(trial)


@pytest.fixture
def _untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts do all but train."""

    def searched(_: Any, data: Any, *, steps: int, seed: int) -> Any:
        data(seed)
        return SimpleNamespace(losses=[steps], seconds=0.0, draw=str)

    def compared(
        model: Any, candidates: dict[str, Any], data: Any, *_: Any, **__: Any
    ) -> Any:
        model()
        data(0)
        final = SimpleNamespace(mean=0.5)
        rows = [SimpleNamespace(name=name, final=final) for name in candidates]
        return SimpleNamespace(rows=lambda: rows)

    def features(pictures: Any, *_: Any) -> Any:
        return keras.layers.GlobalAveragePooling2D()(pictures)

    monkeypatch.setattr(fruits.models, "application_features", features)
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: None)
    monkeypatch.setattr(keras_momentum.comparison, "find_gamma", searched)
    monkeypatch.setattr(tuned, "compare", compared)
    monkeypatch.setattr(fruits.study, "SharedStudy", Study)
    monkeypatch.setattr(fruits.report, "write_report", lambda run: None)


@pytest.mark.usefixtures("_untrained")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_script_reads_the_keys_that_it_takes(
    script: ModuleType,
    read: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(Path("photos"), "a*3", "b*3", "1.txt", "2.txt", "3.txt", "4.txt")
    Path("ramp.toml").write_text("[gamma_ramp]")
    Path("cycle.toml").write_text("[one_cycle]")
    Path("drawn.toml").write_text(DRAWN)
    Path("photos.toml").write_text(PHOTOS)
    for file, mover in (
        ("drawn.toml", "--gamma_ramp.final=0.9"),
        ("photos.toml", "--one_cycle.warmup=0.5"),
    ):
        words = {
            train_fruits: [file, mover],
            compare_fruits: ["ramp.toml", "cycle.toml", "--on", file],
            find_gamma: [],
            sweep_gamma: ["--on", file],
        }
        monkeypatch.setattr(find_gamma, "SMALL", Path(file))
        monkeypatch.setattr(sys, "argv", ["", *words[script]])
        script.main()
    taken = KEYS
    if script is not train_fruits:
        taken = {key for key in KEYS if key.startswith(script.KEYS)}
    if script is compare_fruits:
        taken |= {key for key in KEYS if key.startswith(script.OF_CANDIDATES)}
    assert read & KEYS == taken
    printed = capsys.readouterr().out
    assert "train_fruits.py and compare_fruits.py list all in left_out.csv." in printed
    writes = script in (train_fruits, compare_fruits)
    assert any(Path("runs").rglob("left_out.csv")) == writes


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_file_that_is_compared_says_how_to_optimize_and_nothing_else(
    key: str,
) -> None:
    field = dict(keys_of())[key]
    value = field.default
    if value is None:
        value = "x" if str in kinds(field.annotation) else 3
    section, _, name = key.rpartition(".")
    Path("mine.toml").write_text(f"[{section}]\n{name} = {json.dumps(value)}\n")
    files = [Path("mine.toml")]
    if key.startswith(("optimizer.", "gamma_ramp.", "one_cycle.")):
        assert list(compare_fruits.read_candidates(files)) == ["mine"]
        return
    says = f"no file says how|mine.toml: {key}: it has no effect"
    if not key.startswith("data."):
        says = f"mine.toml: {key}: it "
    with pytest.raises(RefusedError, match=says):
        compare_fruits.read_candidates(files)


@pytest.mark.parametrize(
    ("file", "words", "key"),
    [
        # The folder of the pictures is not all that has to be said.
        ("", {"data.path": "photos"}, "command line: data.path"),
        ("[data]\npath = 'photos'", {}, "mine.toml: data.path"),
        ("[data]\nvalidation_share = 0.5", {}, "mine.toml: data.validation_share"),
        ("", {"data.max_megapixels": "9"}, "command line: data.max_megapixels"),
        (
            "[data.split_folders]\ntrain = 'a'",
            {},
            "mine.toml: data.split_folders.train",
        ),
        ("", {"data.source": "folder", "data.path": "x"}, None),
        ("[data]\npath = 'x'", {"data.source": "folder"}, None),
        ("[data]\npath = 'x'\nsource = 'folder'", {"data.source": "rendered"}, None),
        (
            "[data]\nsource = 'folder'\npath = 'x'",
            {"data.train_images": "9"},
            "command line: data.train_images",
        ),
        ("[data]\ntrain_images = 9", {"data.source": "folder"}, None),
        (
            "",
            {"data.source": "grocery", "data.test_images": "9"},
            "command line: data.test_images",
        ),
        # The network.
        ("[model]\nwidth = 8", {"model.name": "ResNet50"}, None),
        ("[model]\nwidth = 8\nname = 'ResNet50'", {}, "mine.toml: model.width"),
        ("[model]\nwidth = 16\nname = 'ResNet50'", {}, "mine.toml: model.width"),
        (
            "[model]\nname = 'EfficientNetB0'",
            {"model.stages": "4"},
            "command line: model.stages",
        ),
        ("[model]\nweights = 'imagenet'", {}, "mine.toml: model.weights"),
        ("", {"model.weights": "a.h5"}, "command line: model.weights"),
        ("", {"model.weights": "a.h5", "model.name": "ResNet50"}, None),
        ("[model]\nname = 'ResNet50'\ndropout = 0.5\nweights = 'a.h5'", {}, None),
        # A gamma that something else moves.
        ("[gamma_ramp]", {"optimizer.momentum": "0.9"}, "line: optimizer.momentum"),
        ("[optimizer]\nmomentum = 0.9", {"gamma_ramp.final": "0.99"}, None),
        ("[gamma_ramp]\n[optimizer]\nmomentum = 0.9", {}, "toml: optimizer.momentum"),
        (
            "[gamma_ramp]\n[optimizer]\nmomentum = 0.9",
            {"gamma_ramp.final": "0.99"},
            "mine.toml: optimizer.momentum",
        ),
        (
            "[gamma_ramp]\n[optimizer]\nmomentum = 0.9",
            {"gamma_ramp": "none"},
            None,
        ),
        (
            "[gamma_ramp]",
            {"optimizer.momentum": "0.9", "gamma_ramp": "none"},
            None,
        ),
        ("[one_cycle]", {"optimizer.momentum": "0.9"}, "line: optimizer.momentum"),
        ("[one_cycle]", {"optimizer.warmup_epochs": "2"}, "optimizer.warmup_epochs"),
        ("[gamma_ramp]", {"optimizer.warmup_epochs": "2"}, None),
        (
            "[optimizer]\nschedule = 'nesterov'\nmomentum = 0.5",
            {},
            "mine.toml: optimizer.momentum",
        ),
    ],
)
def test_a_key_without_an_effect_is_refused(
    file: str, words: dict[str, str], key: str | None
) -> None:
    Path("mine.toml").write_text(file)
    if key is None:
        load_config(Path("mine.toml"), words)
        return
    with pytest.raises(RefusedError, match=f"{key}: it has no effect") as refused:
        load_config(Path("mine.toml"), words)
    assert "\n" not in str(refused.value)


def test_what_a_script_makes_no_use_of_in_a_file_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "[data]\nseed = 1\n[optimizer]\nmomentum = 0.5\n[training]\nseed = 3\n"
    Path("on.toml").write_text(text)
    parser = CommandLine(None)
    parser.add_keys("data.", "training.epochs")
    given = parser.parse_args(["--training.epochs=3"])
    _, config = parser.config(Path("on.toml"), given)
    parser.say_unused(Path("on.toml"), config)
    said = "on.toml: this script makes no use of its optimizer, training.seed.\n"
    assert capsys.readouterr().out == said
