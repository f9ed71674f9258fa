"""Command lines and files as people write them: what is meant, or a sentence."""

import argparse
import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import find_gamma
from fruits import paths, values
from fruits.command_line import CommandLine, at_least, path, picture_file, share
from fruits.config import Config, Section
from fruits.config_file import keys_of, load_config
from fruits.errors import RefusedError
from tests.once import once

pytestmark = once
ROOT = Path(__file__).parents[2]
SMALL = ROOT / "configs" / "small.toml"
SCRIPTS = sorted(
    file
    for file in (ROOT / "examples").glob("*.py")
    # Short demonstrations of the library, which take nothing.
    if file.stem not in ("which_momentum", "write_your_own")
)


def read_config(words: list[str], default: Path) -> tuple[str, Config]:
    """What a script with all keys makes of its command line."""
    parser = CommandLine("A script.")
    parser.add_argument("file", nargs="?", type=path, default=default)
    parser.add_keys()
    given = parser.parse_args(words)
    return parser.config(given.file, given)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")


def value_of(config: Config, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        # Text is text, whatever it looks like.
        *(
            ("data.path", text, text)
            for text in (
                *("2024", "1e3", "true", "none", "[1]", "1.0", "a b", "a=b", "$HOME"),
                *('"quoted"', "it's", "{}", "-", "-5", "é", "#", "2024-01-01", "a\\b"),
            )
        ),
        ("data.path", "~/photos", "/home/somebody/photos"),
        ("data.path", "a/~", "a/~"),
        ("training.runs_dir", "1e3", "1e3"),
        # Numbers as people write them.
        ("optimizer.learning_rate", "1e-3", 0.001),
        ("optimizer.learning_rate", ".5", 0.5),
        ("optimizer.learning_rate", "5.", 5.0),
        ("optimizer.learning_rate", "+0.5", 0.5),
        ("optimizer.learning_rate", " 0.5 ", 0.5),
        ("optimizer.learning_rate", "1_000", 1000.0),
        ("optimizer.learning_rate", "1E-3", 0.001),
        ("optimizer.learning_rate", "3", 3.0),
        ("training.epochs", "1e3", 1000),
        ("training.epochs", "+3", 3),
        ("training.epochs", "3.0", 3),
        ("training.epochs", "1_000", 1000),
        ("training.epochs", "007", 7),
        ("training.seed", "−0", 0),
        # Truth.
        *(("augmentation.flip", t, True) for t in ("true", "True", "YES", "1", "on")),
        *(("augmentation.flip", t, False) for t in ("false", "no", "0", "Off", "no ")),
        # What can be left out.
        ("optimizer.restart_every", "none", None),
        ("optimizer.restart_every", "None", None),
        ("optimizer.restart_every", "", None),
        ("optimizer.restart_every", "40", 40),
        ("gamma_ramp", "none", None),
        ("gamma_ramp.final", "0.9", 0.9),
        ("optimizer.name", "NAG", "NAG"),
    ],
)
def test_a_value_is_read_by_the_type_of_its_field(
    key: str, text: str, expected: Any
) -> None:
    photos = ["--data.source=folder"] if key == "data.path" else []
    for words in ([f"--{key}={text}", *photos], [*photos, f"--{key}", text]):
        value = value_of(read_config(words, SMALL)[1], key)
        assert value == expected
        assert type(value) is type(expected)


def test_of_a_key_given_twice_the_last_value_counts() -> None:
    words = ["--training.epochs=3", "--training.epochs", "4"]
    assert read_config(words, SMALL)[1].training.epochs == 4


@pytest.mark.parametrize(
    ("words", "says"),
    [
        # No number, or none that can be used.
        (["--optimizer.learning_rate", "inf"], "learning_rate: it must be a finite"),
        (["--optimizer.learning_rate=-inf"], "learning_rate: it must be a finite"),
        (["--optimizer.learning_rate", "nan"], "learning_rate: it must be a finite"),
        (["--optimizer.learning_rate", "sNaN"], "learning_rate: it must be a finite"),
        (["--optimizer.learning_rate", "1e400"], "Received: '1e400'"),
        (["--optimizer.learning_rate", "1e39"], "learning_rate: it must be less"),
        (["--optimizer.learning_rate", "1e-50"], "learning_rate: it must be greater"),
        (["--optimizer.learning_rate", "0"], "greater than or equal to 1e-30. Rece"),
        (["--optimizer.learning_rate", "1,000"], "a number, without a comma"),
        (["--optimizer.learning_rate", "0,5"], "a number, without a comma"),
        (["--optimizer.learning_rate", "0.9f"], "must be a number. Received: '0.9f'"),
        (["--optimizer.learning_rate", ""], "must be a number. Received: ''"),
        (["--optimizer.learning_rate", "1e-3 5"], "must be a number"),
        (["--optimizer.momentum", "-0.5"], "optimizer.momentum: it must be greater"),
        (["--optimizer.momentum", "-1e-3"], "Received: '-1e-3'"),
        (["--optimizer.momentum", "−.5"], "optimizer.momentum: it must be greater"),
        (["--augmentation.hue", "inf"], "augmentation.hue: it must be a finite"),
        (["--training.epochs", "1.5"], "epochs: it must be a whole number"),
        (["--training.epochs", "ten"], "epochs: it must be a whole number"),
        (["--training.epochs", "0x10"], "epochs: it must be a whole number"),
        (["--training.epochs", "none"], "epochs: it must be a whole number"),
        (["--training.epochs", "0"], "epochs: it must be greater"),
        (["--training.epochs", "1e400"], "epochs: it is too large a number"),
        (["--training.epochs", "1e999999999"], "epochs: it is too large a number"),
        (["--training.epochs", "9" * 5000], "epochs: it is too large a number"),
        (["--training.epochs", "1" + "0" * 30], "epochs: it is too large a number"),
        (["--training.epochs", "1e12"], "epochs: it must be less"),
        (["--training.seed", str(2**32)], "seed: it must be less"),
        (["--data.image_size", "100000"], "image_size: it must be less"),
        # Truth and names.
        (["--augmentation.flip", "maybe"], "flip: it must be true or false"),
        (["--augmentation.flip"], "--augmentation.flip: expected one argument"),
        (["--no-augmentation.flip"], "(did you mean --augmentation.flip?)"),
        (["--optimizer.name", "nag"], "(did you mean NAG?)"),
        (["--optimizer.name", "momentum-adam"], "(did you mean MomentumAdam?)"),
        (["--data.source", ""], "data.source: it must be 'rendered'"),
        # Sections.
        (["--gamma_ramp", "on"], "gamma_ramp: it must be none; its keys are given"),
        (
            ["--gamma_ramp", "none", "--gamma_ramp.final", "0.9"],
            "gamma_ramp: it can't be none and have gamma_ramp.final",
        ),
        (
            ["--gamma_ramp.final", "0.9", "--gamma_ramp", "none"],
            "gamma_ramp: it can't be none and have gamma_ramp.final",
        ),
        (["--data", "x"], "--data: unknown argument: it is a section"),
        # Keys and options.
        (["--data.image-size", "16"], "(did you mean --data.image_size?)"),
        (["--Data.Image_Size", "16"], "(did you mean --data.image_size?)"),
        (["--image_size=16"], "(did you mean --data.image_size?)"),
        (["--data.image", "16"], "--data.image: unknown argument"),
        (["--trials", "4"], "--trials: unknown argument: it is an option of sweep_g"),
        (["--steps=3"], "it is an option of find_gamma.py and momentum_tour.py"),
        (["-n", "3"], "-n: unknown argument"),
        (["--", "--data.path"], "--data.path: it can't be read"),
        (["--training.epochs", "--data.path=x"], "--training.epochs: expected one"),
        (["one.toml", "two.toml"], "unrecognized arguments: two.toml"),
        # Paths.
        (["--data.path", ""], "data.path: it must be a path. Received: ''"),
        (["--data.path", "  "], "data.path: it must be a path. Received: '  '"),
        (["--data.path", "~nobody-is-so/x"], "data.path: there is no such user"),
        (["--training.runs_dir="], "training.runs_dir: it must be a path"),
        (["--training.runs_dir", "/dev/null"], "runs_dir: /dev/null is not a folder"),
        (["--training.runs_dir", "/dev/null/x"], "runs_dir: /dev/null is not a folder"),
        (["--training.runs_dir", "/proc/x"], "runs_dir: /proc/x can't be written"),
        (["--training.runs_dir", "x" * 300], "can't be written: File name too long"),
        (["--data.cache_dir", "/proc/x"], "cache_dir: /proc/x can't be written"),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(words: list[str], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_config(words, SMALL)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[optimizer]\nlearning_rate = inf", "learning_rate: it must be a finite"),
        ("[optimizer]\nlearning_rate = -inf", "learning_rate: it must be a finite"),
        ("[augmentation]\nhue = nan", "augmentation.hue: it must be a finite"),
        ("[data]\nbatch_size = '32'", "data.batch_size: it must be a valid integer"),
        ("[data]\nbatch_size = 32.0", "data.batch_size: it must be a valid integer"),
        ("[data]\nbatch_size = true", "data.batch_size: it must be a valid integer"),
        ("[augmentation]\nflip = 1", "augmentation.flip: it must be a valid boolean"),
        ("[data]\npath = 2024", "data.path: it must be a valid string"),
        ("[data]\npath = ''", "data.path: it must be a path"),
        ("[data]\npath = 'a\\u0000'".replace("'", '"'), "data.path: it must be a path"),
        ("[data]\nsource = 'Folder'", "(did you mean folder?)"),
        ("[data]\nimage-size = 16", "unknown key (did you mean data.image_size?)"),
        ("[dat]\nimage_size = 16", "dat: unknown key (did you mean data?)"),
        ("training = 3", "training: it must be a table. Received: 3"),
        ("[training]\nepochs = 1" + "0" * 400, "training.epochs: it must be less"),
        ("[training]\nepochs = 1" + "0" * 9000, "it is not TOML: "),
        (
            "[training]\nepochs = 0x" + "f" * 9000,
            "training.epochs: ",
        ),
        ("[optimizer]\nmomentum = 1" + "0" * 400, "optimizer.momentum: it must be"),
        ("[training]\nepochs = 1\nepochs = 2", "it is not TOML: "),
        ("[training]\n[training]", "it is not TOML: "),
        ("a = " + "[" * 5000, "it is not TOML: it is nested too deep"),
        ("a = 1\n" * 200_000, "it is not TOML: it is too large"),
        (b"\xff\xfea\0", "it is not TOML: it is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0", "it is not TOML: "),
    ],
)
def test_a_file_that_can_not_be_meant_is_one_sentence(
    content: str | bytes, says: str
) -> None:
    encoded = content if isinstance(content, bytes) else content.encode()
    Path("mine.toml").write_bytes(encoded)
    with pytest.raises(RefusedError) as refused:
        load_config(Path("mine.toml"))
    assert str(refused.value).startswith("mine.toml: ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_each_thing_that_is_wrong_has_a_line() -> None:
    Path("mine.toml").write_text("[optimizer]\nmomentun = 0.9\nweight_decay = -1\n")
    with pytest.raises(RefusedError) as refused:
        load_config(Path("mine.toml"), {"training.epochs": "0"})
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        *("mine.toml", "mine.toml", "command line")
    ]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("mine.tml", "No such file or directory (did you mean mine.toml?)"),
        ("rendered", "(did you mean "),
        ("folder", "Is a directory"),
        ("nothing/like/it.toml", "it can't be read: No such file or directory"),
        ("*.toml", "it can't be read: No such file or directory"),
    ],
)
def test_a_file_that_is_not_there_is_one_sentence(name: str, says: str) -> None:
    Path("mine.toml").touch()
    Path("folder").mkdir()
    with pytest.raises(RefusedError, match=re.escape(says)):
        read_config([name], SMALL)


def test_a_folder_is_not_meant_instead_of_itself() -> None:
    Path("nine.toml").mkdir()
    with pytest.raises(RefusedError, match="it can't be read: Is a directory$"):
        read_config(["nine.toml"], SMALL)


def test_a_file_with_the_mark_of_windows_is_read() -> None:
    Path("mine.toml").write_bytes(b"\xef\xbb\xbf[training]\r\nepochs = 3\r\n")
    assert read_config(["mine.toml"], SMALL)[1].training.epochs == 3


def test_the_home_folder_is_meant_in_a_file_too() -> None:
    Path("mine.toml").write_text('[data]\npath = "~/x"\ncache_dir = "~root/x"\n')
    _, config = load_config(Path("mine.toml"), {"data.source": "folder"})
    assert config.data.path == "/home/somebody/x"
    assert config.data.cache_dir == os.path.expanduser("~root/x")


def test_no_number_of_a_configuration_may_be_infinite() -> None:
    for key, field in keys_of():
        if float in values.kinds(field.annotation):
            for text in ("inf", "nan"):
                section, _, name = key.rpartition(".")
                Path("mine.toml").write_text(f"[{section}]\n{name} = {text}")
                with pytest.raises(RefusedError, match=key):
                    load_config(Path("mine.toml"))


def test_a_folder_is_not_made_by_looking_at_it() -> None:
    paths.check_folder(Path("a/b/c"))
    assert not Path("a").exists()
    Path("link").symlink_to("/nowhere")
    for file in ("link", "link/below"):
        with pytest.raises(RefusedError, match="link is not a folder"):
            paths.check_folder(Path(file))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((name, "must end in .png") for name in ("a", "a.gif", ".png", "a.png.txt")),
        ("folder.png", "must end in .png"),
        ("", "must be a path"),
        ("~nobody-is-so/a.png", "there is no such user"),
        ("/dev/null/a.png", "/dev/null is not a folder"),
        ("/proc/a.png", "can't be written"),
        ("a" * 300 + ".png", "can't be written: File name too long"),
    ],
)
def test_a_picture_that_can_not_be_written_is_one_sentence(
    text: str, says: str
) -> None:
    Path("folder.png").mkdir()
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(says)):
        picture_file(text)


def test_the_folder_of_a_picture_is_not_made_by_looking_at_it() -> None:
    assert picture_file("deep/er/A.PNG") == Path("deep/er/A.PNG")
    assert not Path("deep").exists()


@pytest.mark.parametrize(
    ("place", "is_refused"),
    [
        *((place, True) for place in ("photos/a", "photos/x/../a", "link/a/b")),
        *((place, False) for place in (".", "photos2", "photos/runs", "photos")),
    ],
)
def test_no_picture_is_drawn_among_those_to_train_on(
    place: str, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run would take it for one of a class."""

    def next_step() -> None:
        raise AssertionError

    Path("photos").mkdir()
    Path("link").symlink_to("photos")
    words = ["--data.source=folder", "--data.path=photos", f"{place}/found.png"]
    words += ["--training.runs_dir=photos/runs"]
    monkeypatch.setattr("sys.argv", ["find_gamma.py", *words])
    monkeypatch.setattr(find_gamma, "import_keras", next_step)
    error = RefusedError if is_refused else AssertionError
    with pytest.raises(error, match="among the pictures" if is_refused else None):
        find_gamma.main()
    assert not Path("photos/a").exists()


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "1e30", "inf"])
def test_a_count_is_at_least_one(text: str) -> None:
    parser = CommandLine(None)
    parser.add_argument("--trials", type=at_least(1))
    with pytest.raises(RefusedError, match="argument --trials: it ") as refused:
        parser.parse_args(["--trials", text])
    assert f"Received: {text!r}" in str(refused.value)
    assert parser.parse_args(["--trials=1e1"]).trials == 10


@pytest.mark.parametrize("text", ["0", "-0.5", "2", "70", "nan", "inf", "70%", ""])
def test_a_share_is_above_0_and_at_most_1(text: str) -> None:
    parser = CommandLine(None)
    parser.add_argument("--target", type=share)
    with pytest.raises(RefusedError, match="argument --target: it must be "):
        parser.parse_args(["--target", text])
    assert parser.parse_args(["--target", "1"]).target == 1.0


def test_only_the_keys_that_a_script_makes_use_of_are_taken() -> None:
    parser = CommandLine(None)
    parser.add_keys("data.")
    assert parser.parse_args(["--data.path", "x"]).keys == {"data.path": "x"}
    with pytest.raises(RefusedError, match="a key that this script makes no use of"):
        parser.parse_args(["--optimizer.momentum", "0.5"])


def test_keys_of_sections_within_sections_are_keys() -> None:
    class Inner(Section):
        train: int | None = None

    class Middle(Section):
        inner: Inner | None = None

    assert [key for key, _ in keys_of(Middle)] == ["inner", "inner.train"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_every_script_begins_and_ends_in_one_way(script: Path) -> None:
    *_, last = ast.parse(script.read_text("utf-8")).body
    assert ast.unparse(last) == "if __name__ == '__main__':\n    run(main)"


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_help_does_not_wait_for_tensorflow(script: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", str(script), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert script.name in result.stdout
    assert not re.findall(r"\| +(tensorflow|keras|jax|torch)$", result.stderr, re.M)
