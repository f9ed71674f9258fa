"""Pictures in the style of the project, through which all of its drawing goes.

What is asked for is in colour and has its name at the end of its line, the rest is
grey, and the title says what is seen. The colours are those that Okabe and Ito (2008)
chose for people who are blind to some, without the yellow, which nobody sees on white.
Letters can be read in a picture that is 600 pixels wide.

Neither pyplot nor its backend is touched, as they are the user's, and what is set of
Matplotlib holds within `picture` only.
"""

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_momentum._placing import spread, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY = "#E69F00", "#56B4E9"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
# Of what is only there to compare with.
GREY = "#B8B8B8"
_GREY_WORDS = "#707070"

_LONGEST_NAME = 36
_TITLE_LINES = 8
_NAME_SIZE = 10.0
# Of the letters of a name, with some air.
_NAME_HEIGHT = 1.25 * _NAME_SIZE
_NAME_INDENT = 10.0
_NAME, _CONTEXT = "name", "name of context"
# From a name to the end of its line.
_LEADER = {"arrowstyle": "-", "linewidth": 0.7, "relpos": (0.0, 0.5), "shrinkB": 0.0}
_STYLE = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
    "font.size": _NAME_SIZE,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.titlesize": _NAME_SIZE,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.edgecolor": "0.5",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": "0.92",
}


@contextlib.contextmanager
def picture(file: str | Path, title: str, height: float = 4.5) -> Iterator["Figure"]:
    """Gives a figure to draw on, and writes it to a file in the end.

    Args:
        file: A path; how it ends says which kind of picture it is. A folder that is
            missing is made.
        title: A sentence that says what is seen. It is wrapped to the width.
        height: A float. In inches; the width is 8. Defaults to `4.5`.

    Yields:
        A `matplotlib.figure.Figure`, whose `subplots` have the style.

    Raises:
        ImportError: If Matplotlib is missing.

    Example:

    >>> import pathlib, tempfile
    >>> from keras_momentum import drawing
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with drawing.picture(folder / "a.png", "The loss falls to a third.") as figure:
    ...     axes = figure.subplots()
    ...     drawing.line(axes, [0, 1, 2], [0.9, 0.5, 0.3], "NAG", drawing.BLUE)
    >>> [path.name for path in folder.iterdir()]
    ['a.png']
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(
            'Pictures need matplotlib: pip install "keras-momentum[comparison]"'
        )
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not what the user has set for pictures of their own.
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(8, height), layout="constrained")
        FigureCanvasAgg(figure)
        _set_title(figure, title)
        yield figure
        _place_names(figure)
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file)


def line(
    axes: "Axes",
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    name: str | None = None,
    colour: str = GREY,
    **style: Any,
) -> None:
    """Draws a line, with its name at its end.

    Names never overlap: they are moved apart. Where not all have room, those of grey
    lines are left out.

    Args:
        axes: Where.
        x: Numbers.
        y: As many numbers. Those that are not finite are left out, and the line goes
            from one neighbour to the other.
        name: `None` or any text. Defaults to `None`.
        colour: A colour. In `GREY`, the default, the line is thin and behind others.
        **style: Of `Axes.plot`.

    Example:

    >>> import matplotlib.figure
    >>> axes = matplotlib.figure.Figure().subplots()
    >>> line(axes, [0, 1, 2], [1.0, float("nan"), 0.5])
    >>> axes.lines[0].get_xydata().tolist()
    [[0.0, 1.0], [2.0, 0.5]]
    """
    points = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)], axis=-1)
    points = points[np.isfinite(points).all(axis=-1)]
    if not len(points):
        return
    is_grey = colour == GREY
    defaults = {
        "linewidth": 1.0 if is_grey else 2.0,
        "zorder": 1.5 if is_grey else 2.5,
        # One point is no line.
        "marker": "o" if len(points) == 1 else "",
    }
    axes.plot(*points.T, color=colour, **{**defaults, **style})
    if name is not None:
        axes.annotate(
            shown(name),
            tuple(points[-1]),
            # The height is found when all names are known.
            xytext=(1.0, 0.5),
            textcoords="axes fraction",
            annotation_clip=False,
            color=words(colour),
            fontsize=_NAME_SIZE,
            va="center",
            gid=_CONTEXT if is_grey else _NAME,
            arrowprops={**_LEADER, "color": colour},
        )


def words(colour: str) -> str:
    """The colour of words about what is drawn in a colour, dark enough to be read.

    Args:
        colour: One of `COLOURS` or `GREY`.

    Example:

    >>> words("#56B4E9")
    '#4087ae'
    """
    if colour == GREY:
        return _GREY_WORDS
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{int(0.75 * part):02x}" for part in parts)


def shown(name: str, longest: int = _LONGEST_NAME) -> str:
    """A name as it stands in a picture: in one line, not too long, without formulas.

    Args:
        name: Any text.
        longest: An integer. The number of letters from which on an ellipsis takes the
            place of the rest. Defaults to `36`.

    Example:

    >>> shown("momentum\\n0.9"), shown("NAG, η from 0.5 to 0.95", longest=10)
    ('momentum 0.9', 'NAG, η fr…')
    """
    text = "".join(each if each.isprintable() else " " for each in name)
    text = " ".join(text.split()) or "(no name)"
    if len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    return _literally(text)


def _literally(text: str) -> str:
    """Without the formulas that Matplotlib reads between dollars."""
    return text.replace("$", r"\$")


def _set_title(figure: "Figure", title: str) -> None:
    margin = 0.012
    heading = figure.suptitle("", x=margin, ha="left", fontsize=12)

    def fits(line: str) -> bool:
        heading.set_text(_literally(line))
        room = (1 - 2 * margin) * figure.bbox.width
        return heading.get_window_extent().width <= room

    heading.set_text(_literally(wrapped(title, fits, _TITLE_LINES)))


def _place_names(figure: "Figure") -> None:
    """Moves the names of all lines beside the axes, where they do not overlap."""
    for axes in figure.axes:
        # A line may leave the axes; its name does not.
        low, high = sorted(axes.get_ylim())
        for text in _names_of(axes):
            text.xy = (text.xy[0], min(max(text.xy[1], low), high))
    # The room that names need makes the axes smaller, which moves the names.
    for _ in range(2):
        figure.draw_without_rendering()
        for axes in figure.axes:
            _place_names_of(axes, figure.dpi / 72)
    # They are right for this layout.
    figure.set_layout_engine("none")


def _place_names_of(axes: "Axes", point: float) -> None:
    named = _names_of(axes)
    height, room = _NAME_HEIGHT * point, axes.bbox.height
    if len(named) * height > room:
        for text in named:
            text.set_visible(text.get_gid() == _NAME)
        named = [text for text in named if text.get_visible()]
    ends = [axes.transData.transform(text.xy)[1] - axes.bbox.y0 for text in named]
    right = 1 + _NAME_INDENT * point / axes.bbox.width
    for text, at in zip(named, spread(ends, height, 0.0, room), strict=True):
        text.set_position((right, at / room))


def _names_of(axes: "Axes") -> list[Any]:
    return [text for text in axes.texts if text.get_gid() in (_NAME, _CONTEXT)]
