"""Where words go: names beside each other, and a sentence in lines of a width."""

from collections.abc import Callable, Iterator, Sequence


def spread(
    wanted: Sequence[float], height: float, low: float, high: float
) -> list[float]:
    """Moves names apart, each as little as can be.

    The centres c minimise Σ (c − wanted)², no two nearer than `height` and all in
    the room: once `height` is subtracted for each name below, c must only not fall,
    which is solved by joining neighbours that do (isotonic regression).

    Args:
        wanted: The centres that the names would have alone.
        height: The height of a name.
        low: The lower end of the room.
        high: The upper end. If the room is too small for all, the names stand around
            its middle and leave it on both sides.

    Returns:
        The centres, in the order of `wanted`.

    Example:

    >>> spread([5.0, 5.0, 9.0], height=2.0, low=0.0, high=20.0)
    [4.0, 6.0, 9.0]
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    joined: list[tuple[float, int]] = []
    for place, i in enumerate(order):
        total, count = wanted[i] - place * height, 1
        while joined and joined[-1][0] / joined[-1][1] >= total / count:
            before, more = joined.pop()
            total, count = total + before, count + more
        joined.append((total, count))
    first = low + height / 2
    last = high - height / 2 - height * (len(wanted) - 1)
    if last < first:
        first = last = (first + last) / 2
    levels = [
        min(max(total / count, first), last)
        for total, count in joined
        for _ in range(count)
    ]
    found = [0.0] * len(wanted)
    for place, (i, level) in enumerate(zip(order, levels, strict=True)):
        found[i] = level + place * height
    return found


def wrapped(text: str, fits: Callable[[str], bool], most: int) -> str:
    """A text in lines that fit.

    Args:
        text: Words, perhaps already in several lines.
        fits: Whether a line is short enough.
        most: The number of lines from which on it is cut.

    Example:

    >>> print(wrapped("No two optimizers differ.", lambda line: len(line) < 12, 2))
    No two
    optimizers…
    """
    lines = [
        line for paragraph in text.splitlines() for line in _lines(paragraph, fits)
    ]
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], fits)]
    return "\n".join(lines)


def _lines(paragraph: str, fits: Callable[[str], bool]) -> Iterator[str]:
    indent = paragraph[: len(paragraph) - len(paragraph.lstrip())]
    line = ""
    for word in paragraph.split():
        longer = f"{line} {word}" if line else indent + word
        if line and not fits(longer):
            yield line
            longer = indent + word
        line = longer if fits(longer) else _cut(longer, fits)
    if line:
        yield line


def _cut(line: str, fits: Callable[[str], bool]) -> str:
    line = line.rstrip(" …")
    while line and not fits(f"{line}…"):
        line = line[:-1]
    return f"{line}…"
