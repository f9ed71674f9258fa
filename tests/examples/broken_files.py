"""Files that people give in the place of the one that is meant."""

from pathlib import Path

BROKEN = (
    *("a missing file", "a folder", "another ending", "an empty file", "text"),
    "half of a file",
)


def broken(kind: str, file: Path, whole: Path) -> Path:
    """Makes such a file, and says where it is.

    Args:
        kind: One of `BROKEN`.
        file: Where it would be, with the right ending.
        whole: What is meant.
    """
    content = whole.read_bytes()
    if kind == "a folder":
        file.mkdir()
    elif kind == "another ending":
        file = file.with_suffix(".txt")
        file.write_bytes(content)
    elif kind == "an empty file":
        file.touch()
    elif kind == "text":
        file.write_text("1 2 3")
    elif kind == "half of a file":
        file.write_bytes(content[: len(content) // 2])
    return file
