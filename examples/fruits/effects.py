"""Keys that have no effect where others have certain values."""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from typing import Any

from fruits.config import Config, by_key


@dataclasses.dataclass(frozen=True)
class Need:
    """What some keys need to have an effect.

    Attributes:
        keys: How they begin.
        other: Another key.
        words: What its value must be.
        is_met: Whether a value of it is that.
    """

    keys: tuple[str, ...]
    other: str
    words: str
    is_met: Callable[[Any], bool]


_OF_PHOTOS = ("data.path", "data.split_folders.", "data.max_megapixels")
_OF_DRAWINGS = ("data.train_images", "data.validation_images", "data.test_images")
_GAMMA, _WARMUP = "optimizer.momentum", "optimizer.warmup_epochs"
_OWN = "residual_network"
NEEDS = (
    Need(
        (*_OF_PHOTOS, "data.validation_share"),
        "data.source",
        "folder or grocery",
        lambda source: source != "rendered",
    ),
    Need(_OF_DRAWINGS, "data.source", "rendered", lambda name: name == "rendered"),
    Need(("model.width", "model.stages"), "model.name", _OWN, lambda n: n == _OWN),
    Need(("model.weights",), "model.name", "a network of Keras", lambda n: n != _OWN),
    Need((_GAMMA,), "optimizer.schedule", "constant", lambda how: how == "constant"),
    Need((_GAMMA,), "gamma_ramp", "none", lambda ramp: ramp is None),
    Need((_GAMMA, _WARMUP), "one_cycle", "none", lambda cycle: cycle is None),
)


def keys_in(config: Config) -> list[str]:
    """The keys that were given, in a file or on the command line."""
    return list(by_key(config.model_dump(exclude_unset=True)))


def without_effect(
    config: Config, of_command_line: Collection[str], of_file: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The keys that were given in vain, and why.

    The command line may take the effect from a key of a file, but not from one of its
    own; and a file may not do that to itself.

    Args:
        config: The configuration.
        of_command_line: Its keys that the command line has.
        of_file: The tables that the file has.
    """
    for key in keys_in(config):
        for need in NEEDS:
            if not key.startswith(need.keys):
                continue
            value = _value(config, need.other)
            switched = need.other in of_command_line or (
                need.other not in of_file
                and any(each.startswith(f"{need.other}.") for each in of_command_line)
            )
            if not need.is_met(value) and (key in of_command_line or not switched):
                shown = f"beside {need.other}"
                if isinstance(value, str):
                    shown = f'with {need.other} = "{value}"'
                yield (
                    key,
                    f"it has no effect {shown}; {need.other} must be {need.words}",
                )
                break


def _value(config: Config, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value
