"""Values of the command line, read by the type of the field that they are for."""

import decimal
import math
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

from fruits.errors import received

_NONE = ("none", "")
_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def kinds(annotation: Any) -> tuple[Any, ...]:
    """The types that a field may have, one by one."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return kinds(inner[0])
    if origin in (typing.Union, types.UnionType):
        return tuple(kind for each in inner for kind in kinds(each))
    return (annotation,)


def read(text: str, annotation: Any) -> Any:
    """A value as people write it; text is text, whatever it looks like.

    Args:
        text: As it stands on the command line.
        annotation: Of the field.

    Raises:
        ValueError: If it is none; the message says what it must be.
    """
    possible = kinds(annotation)
    if str in possible:
        return text
    if types.NoneType in possible and text.strip().lower() in _NONE:
        return None
    for kind, reader in _READERS.items():
        if kind in possible:
            return reader(text)
    return text


def whole(text: str) -> int:
    """A whole number, also as `1e3` or `1_000`."""
    number = _number(text, "a whole number")
    if number.is_finite() and number.adjusted() > _DIGITS:
        raise ValueError(f"it is too large a number. {received(text)}")
    if not number.is_finite() or number % 1:
        raise ValueError(f"it must be a whole number. {received(text)}")
    return int(number)


def real(text: str) -> float:
    """A finite number, also as `1e-3`, `.5` or `1_000`."""
    number = _number(text, "a number")
    if not number.is_finite() or math.isinf(float(number)):
        raise ValueError(f"it must be a finite number. {received(text)}")
    return float(number)


# More than those of all numbers that anybody counts to.
_DIGITS = 18


def _number(text: str, what: str) -> decimal.Decimal:
    # A minus that was copied from a page is another character.
    plain = text.strip().replace("−", "-")
    try:
        return decimal.Decimal(plain)
    except decimal.InvalidOperation:
        hint = ", without a comma" if "," in plain else ""
        message = f"it must be {what}{hint}. {received(text)}"
        raise ValueError(message) from None


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(f"it must be true or false. {received(text)}")
    return word in _TRUE


_READERS: dict[type, Callable[[str], Any]] = {bool: _truth, int: whole, float: real}
