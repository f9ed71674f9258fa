"""What a person may have meant."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word of those known that is most like one, if one is like it at all."""
    plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(word), plain, n=1)
    return plain[near[0]] if near else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` with the nearest word, or nothing."""
    near = nearest(word, known)
    return f" (did you mean {near}?)" if near else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
