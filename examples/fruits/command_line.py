"""A configuration from a TOML file and the command line, or one clear line an error."""

import argparse
import difflib
import os
import sys
import tomllib
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import pydantic

from fruits.config import Config, Section

_PICTURES = (".png", ".jpg", ".pdf", ".svg")


def read_config(arguments: Sequence[str], default: Path) -> tuple[str, Config]:
    """Returns the name and the configuration of a run.

    Whatever is wrong is said in one line each on stderr, and the process ends with
    exit code 2.

    Args:
        arguments: `[FILE] [--section.key VALUE ...]`, as in `sys.argv[1:]`.
        default: The file that is read if none is named.
    """
    keys = dict(_keys(Config))
    parser = _Parser(
        description="Trains a fruit classifier with keras_momentum.",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("file", nargs="?", type=Path, default=default, help="TOML")
    for key, field in keys.items():
        parser.add_argument(
            f"--{key}",
            metavar="VALUE",
            default=argparse.SUPPRESS,
            help=f"{field.description} (default: {field.default})".replace("%", "%%"),
        )
    known, unknown = parser.parse_known_args(arguments)
    for word in unknown:
        name = word.removeprefix("--").split("=")[0]
        fail(f"command line: {word}: unknown argument{_suggestion(name, keys)}")
    given = {key: value for key, value in vars(known).items() if key != "file"}
    content = _read(known.file)
    for key, value in given.items():
        _set(content, key, _value(value), known.file)
    try:
        return known.file.stem, Config.model_validate(content)
    except pydantic.ValidationError as error:
        lines = [_line(each, known.file, given, keys) for each in error.errors()]
        fail("\n".join(lines))


def picture_file(text: str) -> Path:
    """The file of a picture, before anything is trained for it.

    Args:
        text: As it stands on the command line. A folder that is missing is made.

    Raises:
        argparse.ArgumentTypeError: If no picture can be written there.
    """
    file = Path(text).expanduser()
    if file.suffix.lower() not in _PICTURES or file.is_dir():
        raise argparse.ArgumentTypeError(
            f"a picture must end in {', '.join(_PICTURES)}. Received: {text!r}"
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"the folder of {text!r} can't be made: {error}"
        ) from error
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} can't be written")
    return file


def fail(message: str) -> NoReturn:
    """Ends the process with a message on stderr and exit code 2."""
    print(message, file=sys.stderr)
    raise SystemExit(2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(f"command line: {message}")


def _keys(section: type[Section], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys of a section and of those within, as `section.key`."""
    for name, field in section.model_fields.items():
        for kind in (field.annotation, *typing.get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, Section):
                yield from _keys(kind, f"{prefix}{name}.")
                break
        else:
            yield prefix + name, field


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        fail(f"{file}: it can't be read: {error.strerror}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        fail(f"{file}: it is not TOML: {error}")


def _value(text: str) -> Any:
    """A value of the command line: TOML, or else plain text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(content: dict[str, Any], key: str, value: Any, file: Path) -> None:
    section, name = key.split(".")
    table = content.setdefault(section, {})
    if not isinstance(table, dict):
        fail(f"{file}: {section}: it must be a table. Received: {table!r}")
    table[name] = value


def _line(error: Any, file: Path, given: dict[str, Any], keys: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    where = "command line" if key in given else str(file)
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    if error["type"] == "extra_forbidden":
        return f"{where}: {key}: unknown key{_suggestion(key, keys)}"
    message = error["msg"][0].lower() + error["msg"][1:]
    return f"{where}: {key}: {message}. Received: {error['input']!r}"


def _suggestion(key: str, keys: dict[str, Any]) -> str:
    sections = [name.split(".")[0] for name in keys]
    near = difflib.get_close_matches(key, [*keys, *sections], n=1)
    return f" (did you mean {near[0]}?)" if near else ""
