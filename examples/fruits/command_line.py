"""The command line of a script: its own options, and the keys of a configuration."""

import argparse
import re
import sys
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pydantic.fields import FieldInfo

from fruits import paths, values
from fruits.config import Config
from fruits.config_file import keys_of, load_config, section_of
from fruits.effects import keys_in
from fruits.errors import RefusedError, about, received
from fruits.suggestions import suggestion

_SCRIPTS = Path(__file__).parents[1]
_FOLDERS = ("training.runs_dir", "data.cache_dir")
_ABOUT_KEYS = """\
Each takes a value: a number (1e-3, 1_000), true or false, one of the names, or text; in
that of a path ~ is the home folder. A key that may be left out, and has no text, takes
none. If one is given twice, the last value counts.
"""


class CommandLine(argparse.ArgumentParser):
    """What a script takes; whatever it does not take is refused in a sentence.

    Args:
        description: The docstring of the script.
    """

    def __init__(self, description: str | None):
        super().__init__(
            description=description,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._keys: dict[str, FieldInfo] = {}

    def add_keys(self, *wanted: str) -> None:
        """Adds the keys of a configuration, after all else.

        Args:
            *wanted: How they begin, for a script that makes no use of the others.
        """
        own = self.format_usage().removeprefix("usage: ").rstrip()
        self.usage = f"{own} [--section.key VALUE ...]".replace("%", "%%")
        group = self.add_argument_group("the keys of a configuration", _ABOUT_KEYS)
        for key, field in keys_of():
            if key.startswith(wanted or ""):
                self._keys[key] = field
                group.add_argument(
                    f"--{key}",
                    dest="keys",
                    metavar="VALUE",
                    action=_Key,
                    default={},
                    help=_help(field).replace("%", "%%"),
                )

    def config(self, file: Path, given: argparse.Namespace) -> tuple[str, Config]:
        """The name and the configuration of a run, whose folders can be written.

        Args:
            file: TOML.
            given: What `parse_args` returned.
        """
        name, config = load_config(file, given.keys)
        for key in _FOLDERS:
            section, _, field = key.partition(".")
            folder = getattr(getattr(config, section), field)
            with about(f"{'command line' if key in given.keys else file}: {key}"):
                paths.check_folder(Path(folder))
        return name, config

    def say_unused(self, file: Path, config: Config) -> None:
        """Says which keys of a file the script makes no use of.

        Of the command line it takes none of them. A file may be for other scripts too.

        Args:
            file: As the user named it.
            config: What was read of it.
        """
        used = {part for key in self._keys for part in (key, key.rpartition(".")[0])}
        unused = [key for key in keys_in(config) if key not in self._keys]
        names = [
            key if key.rpartition(".")[0] in used else key.partition(".")[0]
            for key in unused
        ]
        if names:
            shown = ", ".join(dict.fromkeys(names))
            print(f"{file}: this script makes no use of its {shown}.")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        words = self._joined(sys.argv[1:] if args is None else args)
        return super().parse_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        raise RefusedError(f"command line: {message}")

    def _joined(self, arguments: Sequence[str]) -> list[str]:
        """The words, each value joined to its option: it may begin with a minus."""
        joined: list[str] = []
        rest = list(arguments)
        while rest:
            word = rest.pop(0)
            if word == "--":
                return [*joined, word, *rest]
            option = self._option_string_actions.get(word)
            takes_one = option is not None and option.nargs is None
            if takes_one and rest and not rest[0].startswith("--"):
                word = f"{word}={rest.pop(0)}"
            elif len(word) > 1 and word.startswith("-"):
                self._refuse_unknown(word)
            joined.append(word)
        return joined

    def _refuse_unknown(self, word: str) -> None:
        option = word.partition("=")[0]
        if option in self._option_string_actions:
            return
        others = [
            script.name
            for script in sorted(_SCRIPTS.glob("*.py"))
            if option in _options_in(script)
        ]
        name, known = option.removeprefix("--"), dict(keys_of())
        if name in known:
            hint = ": it is a key that this script makes no use of"
        elif others:
            hint = f": it is an option of {' and '.join(others)}"
        elif name in {key.rpartition(".")[0] for key in known}:
            hint = f": it is a section, whose keys are given as --{name}.KEY"
        else:
            hint = suggestion(option.replace("no-", ""), self._option_string_actions)
        self.error(f"{word}: unknown argument{hint}")


class _Key(argparse.Action):
    """Keeps the values of keys as they were written."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: Any,
        option: str | None = None,
    ) -> None:
        assert option is not None
        namespace.keys = {**namespace.keys, option.removeprefix("--"): value}


def picture_file(text: str) -> Path:
    """The file of a picture, before anything is trained for it.

    Args:
        text: As it stands on the command line.

    Raises:
        argparse.ArgumentTypeError: If no picture can be written there.
    """
    return _for_argparse(paths.picture, text)


def path(text: str) -> Path:
    """A path, for `type` of an argument."""
    return _for_argparse(paths.expanded, text)


def folder(text: str) -> Path:
    """A folder in which something can be written, for `type` of an argument."""

    def read(text: str) -> Path:
        found = paths.expanded(text)
        paths.check_folder(found)
        return found

    return _for_argparse(read, text)


def at_least(lowest: int, highest: int = 10**9) -> Callable[[str], int]:
    """A whole number from `lowest` on, for `type` of an argument."""

    def read(text: str) -> int:
        number = values.whole(text)
        if not lowest <= number <= highest:
            bound = f"at least {lowest}" if number < lowest else f"at most {highest}"
            raise ValueError(f"it must be {bound}. {received(text)}")
        return number

    return lambda text: _for_argparse(read, text)


def share(text: str) -> float:
    """A number above 0 and not above 1, for `type` of an argument."""

    def read(text: str) -> float:
        number = values.real(text)
        if not 0 < number <= 1:
            raise ValueError(f"it must be above 0, and 1 at most. {received(text)}")
        return number

    return _for_argparse(read, text)


def _for_argparse(read: Callable[[str], Any], text: str) -> Any:
    # It would put a sentence of its own in the place of that of a ValueError.
    try:
        return read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _options_in(script: Path) -> list[str]:
    return re.findall(r'add_argument\(\s*"(--\w[\w-]*)"', script.read_text("utf-8"))


def _help(field: FieldInfo) -> str:
    if section_of(field):
        return "none, to leave the section out"
    default = field.get_default(call_default_factory=True, validated_data={})
    names = ", ".join(
        str(option)
        for kind in values.kinds(field.annotation)
        for option in typing.get_args(kind)
    )
    kind = f"{names}: " if names else ""
    return f"{kind}{field.description} (default: {default})"
