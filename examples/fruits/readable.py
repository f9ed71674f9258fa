"""Names of files and folders as text that can be shown and written down.

A file system takes any bytes but "/" and 0: line breaks, escape sequences of a
terminal, and bytes that are no UTF-8.
"""

import unicodedata
from pathlib import Path

# Control characters, surrogates, and what breaks a line.
_ESCAPED = ("Cc", "Cs", "Zl", "Zp")


def readable(name: str | Path) -> str:
    """A name in one line that any encoding of Unicode can hold."""
    text = str(name)
    if text.isprintable():  # As most are; there may be a million of them.
        return text
    return "".join(
        _escape(letter) if unicodedata.category(letter) in _ESCAPED else letter
        for letter in text
    )


def label_of(folder: Path) -> str:
    """The name of the class whose pictures are in a folder.

    An ä is the same, be it one character or an a with two dots: a folder that was
    packed on a Mac has the second, and is the same class as one with the first.
    """
    text = readable(unicodedata.normalize("NFC", folder.name))
    # tensorflow-datasets keeps names without the blanks around them.
    return text.strip() or repr(text)


def some(names: list[str], count: int = 3) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def _escape(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # A byte that is no UTF-8, as Python keeps it.
        return f"\\x{code - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode("ascii")
