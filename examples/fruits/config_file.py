"""A configuration from a TOML file and from values of the command line."""

import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic
from pydantic.fields import FieldInfo

from fruits import values
from fruits.config import Config, Section
from fruits.effects import without_effect
from fruits.errors import RefusedError, received
from fruits.suggestions import nearest, suggestion

# What a person writes is far smaller; a wrong file may have no end.
_LARGEST = 2**20
_CONFIGS = Path(__file__).parents[2] / "configs"


def keys_of(
    section: type[Section] = Config, prefix: str = ""
) -> Iterator[tuple[str, FieldInfo]]:
    """The keys of a section and of those within, as `section.key`.

    A section that can be left out is a key as well.
    """
    for name, field in section.model_fields.items():
        within = section_of(field)
        if within is None or types.NoneType in values.kinds(field.annotation):
            yield prefix + name, field
        if within is not None:
            yield from keys_of(within, f"{prefix}{name}.")


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, or `None` if it holds a value."""
    for kind in values.kinds(field.annotation):
        if isinstance(kind, type) and issubclass(kind, Section):
            return kind
    return None


def load_config(
    file: Path, texts: Mapping[str, str] = types.MappingProxyType({})
) -> tuple[str, Config]:
    """Returns the name and the configuration of a run.

    Args:
        file: TOML.
        texts: The keys of the command line, with their values as they were written;
            they count instead of those of the file.

    Raises:
        RefusedError: With a line for each thing that is wrong.
    """
    known = dict(keys_of())
    given = {key: _given(key, texts, known[key]) for key in texts}
    content = _read(file)
    tables = list(content)
    for key, value in given.items():
        _set(content, key, value, file)
    try:
        config = Config.model_validate(content)
    except pydantic.ValidationError as error:
        lines = [_line(each, file, texts, known) for each in error.errors()]
        raise RefusedError("\n".join(lines)) from error
    lines = [
        f"{_where(key, file, texts)}: {why}"
        for key, why in without_effect(config, texts, tables)
    ]
    if lines:
        raise RefusedError("\n".join(lines))
    return file.stem, config


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError("it is too large for a configuration")
        return tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        reason = f"{error.strerror}{_near(file)}"
        raise RefusedError(f"{file}: it can't be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise RefusedError(f"{file}: it is not TOML: it is not UTF-8") from error
    except RecursionError as error:
        raise RefusedError(f"{file}: it is not TOML: it is nested too deep") from error
    except ValueError as error:
        raise RefusedError(f"{file}: it is not TOML: {error}") from error


def _near(file: Path) -> str:
    """The file that may be meant instead of one that can't be read."""
    there = {
        each.stem: os.path.relpath(each)
        for folder in (_CONFIGS, file.parent)
        for each in folder.glob("*.toml")
        if each.is_file()
    }
    near = nearest(file.stem, there)
    return f" (did you mean {there[near]}?)" if near else ""


def _given(key: str, texts: Mapping[str, str], field: FieldInfo) -> Any:
    """A value of the command line."""
    text = texts[key]
    within = [other for other in texts if other.startswith(f"{key}.")]
    try:
        value = values.read(text, field.annotation)
        if within:
            raise ValueError(f"it can't be {text} and have {within[0]}")
        if value is not None and section_of(field):
            raise ValueError(
                f"it must be none; its keys are given one by one. {received(text)}"
            )
    except ValueError as error:
        raise RefusedError(f"command line: {key}: {error}") from error
    return value


def _set(content: dict[str, Any], key: str, value: Any, file: Path) -> None:
    table, (*sections, name) = content, key.split(".")
    for depth, section in enumerate(sections, 1):
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            where = f"{file}: {'.'.join(sections[:depth])}"
            raise RefusedError(f"{where}: it must be a table. {received(table)}")
    table[name] = value


def _line(
    error: Any, file: Path, texts: Mapping[str, str], known: dict[str, FieldInfo]
) -> str:
    key = ".".join(str(part) for part in error["loc"])
    where = _where(key, file, texts)
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    if error["type"] == "extra_forbidden":
        sections = {name.rpartition(".")[0] for name in known} - {""}
        return f"{where}: unknown key{suggestion(key, {*known, *sections})}"
    if error["type"] == "model_type":
        return f"{where}: it must be a table. {received(error['input'])}"
    message = error["msg"].replace("Input should", "it must")
    if error["type"].startswith(("greater_than", "less_than")):
        # Pydantic writes 1e-30 with all of its zeros.
        (bound,) = error["ctx"].values()
        message = f"{message.rpartition(' ')[0]} {bound!r}"
    hint = ""
    if error["type"] == "literal_error" and isinstance(error["input"], str):
        options = [
            str(option)
            for kind in values.kinds(known[key].annotation)
            for option in typing.get_args(kind)
        ]
        hint = suggestion(error["input"], options)
    value = texts[key] if key in texts else error["input"]
    return f"{where}: {message}{hint}. {received(value)}"


def _where(key: str, file: Path, texts: Mapping[str, str]) -> str:
    if key in texts:
        return f"command line: {key}"
    return f"{file}: {key}" if key else str(file)
