"""The style of pictures: where names go, and what of Matplotlib is touched."""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import rcParams
from matplotlib.text import Text

from keras_momentum import drawing
from keras_momentum._placing import spread, wrapped


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([], []),
        ([5.0], [5.0]),
        ([3.0, 7.0, 5.0], [3.0, 7.0, 5.0]),
        ([5.0, 5.0], [4.0, 6.0]),
        ([5.0, 5.5, 6.0], [3.5, 5.5, 7.5]),
        ([0.0, 0.0], [1.0, 3.0]),
        ([10.0, 2.0, 10.0], [7.0, 2.0, 9.0]),
        # Two groups that meet when they are moved.
        ([4.0, 4.0, 5.5, 5.5], [1.75, 3.75, 5.75, 7.75]),
        # No room for all.
        ([5.0] * 7, [-1.0, 1.0, 3.0, 5.0, 7.0, 9.0, 11.0]),
    ],
)
def test_names_move_as_little_as_can_be(
    wanted: list[float], expected: list[float]
) -> None:
    assert spread(wanted, 2.0, 0.0, 10.0) == pytest.approx(expected)


@given(
    st.lists(st.floats(-1e3, 1e3), max_size=30),
    st.floats(0.1, 100.0),
    st.floats(0.0, 1e3),
)
def test_names_never_overlap_nor_leave_the_room(
    wanted: list[float], height: float, room: float
) -> None:
    found = spread(wanted, height, 0.0, room)
    centres = np.sort(found)
    assert len(found) == len(wanted)
    assert (np.diff(centres) >= height * (1 - 1e-9)).all()
    # They keep their order.
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(np.array(found)[order]) > 0).all()
    if wanted and height * len(wanted) <= room:
        assert centres[0] >= height / 2 - 1e-9
        assert centres[-1] <= room - height / 2 + 1e-6


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one", ["one"]),
        ("one two three", ["one two", "three"]),
        ("head:\n  one two three", ["head:", "  one two", "  three"]),
        ("a word-of-many-letters", ["a", "word-of-m…"]),
        ("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6", ["1 2 3 4 5", "6 7 8 9 0", "1 2 3 4 5…"]),
    ],
)
def test_a_title_is_in_lines_that_fit(text: str, lines: list[str]) -> None:
    found = wrapped(text, lambda line: len(line) <= 10, most=3)
    assert found.splitlines() == lines


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NAG [0.9] {a}_b^c", "NAG [0.9] {a}_b^c"),
        ("$x$", r"\$x\$"),
        ("a\nb\tc\0d", "a b c d"),
        ("", "(no name)"),
        (" \n ", "(no name)"),
        ("η" * 200, "η" * 35 + "…"),
        ("a" * 35 + " b", "a" * 35 + "…"),
    ],
)
def test_any_name_can_be_shown(name: str, expected: str) -> None:
    assert drawing.shown(name) == expected


def names_of(axes: Any) -> dict[str, Text]:
    return {text.get_text(): text for text in axes.texts}


def boxes_of(axes: Any) -> dict[str, Any]:
    """Of the names alone, without what leads to them."""
    return {name: Text.get_window_extent(text) for name, text in names_of(axes).items()}


def test_names_stand_at_the_ends_and_apart(tmp_path: Path) -> None:
    ends = {"a": 0.5, "b": 0.5, "[c] $d$": 0.501, "e": 1.0, "η" * 200: 0.0}
    with drawing.picture(tmp_path / "a.png", "Five lines.") as figure:
        axes = figure.subplots()
        for name, end in ends.items():
            drawing.line(axes, [0, 1], [0.2, end], name, drawing.BLUE)
    boxes = sorted(boxes_of(axes).values(), key=lambda box: box.y0)
    assert len(boxes) == 5
    for lower, upper in itertools.pairwise(boxes):
        assert lower.y1 <= upper.y0
    for box in boxes:
        assert axes.bbox.x1 < box.x0
        assert box.x1 <= figure.bbox.x1
    assert r"[c] \$d\$" in names_of(axes)


def test_names_of_grey_lines_give_way(tmp_path: Path) -> None:
    with drawing.picture(tmp_path / "a.png", "Many lines.", height=2) as figure:
        axes = figure.subplots()
        for number in range(40):
            drawing.line(axes, [0, 1], [0, number], f"grey {number}")
        drawing.line(axes, [0, 1], [0, 20], "blue", drawing.BLUE)
    seen = [name for name, text in names_of(axes).items() if text.get_visible()]
    assert seen == ["blue"]


def test_a_name_stays_when_its_line_leaves_the_axes(tmp_path: Path) -> None:
    with drawing.picture(tmp_path / "a.png", "One line falls.") as figure:
        axes = figure.subplots()
        drawing.line(axes, [0, 1], [1.0, 1e-9], "low", drawing.BLUE)
        axes.set(yscale="log", ylim=(1e-3, 1))
    box = boxes_of(axes)["low"]
    assert axes.bbox.y0 - 1 <= box.y0 <= box.y1 <= axes.bbox.y1


def test_a_line_joins_what_was_measured() -> None:
    from matplotlib.figure import Figure

    axes: Any = Figure().subplots()
    drawing.line(axes, [0, 1, 2, 3], [np.nan, 1.0, np.inf, 2.0])
    drawing.line(axes, [0, 1], [np.nan, np.nan], "nothing")
    drawing.line(axes, [3], [1.0])
    several, one = axes.lines
    assert several.get_xydata().tolist() == [[1.0, 1.0], [3.0, 2.0]]
    assert one.get_marker() == "o"
    assert not axes.texts


def test_a_title_is_wrapped_to_the_width_and_no_formula(tmp_path: Path) -> None:
    title = "Of $a$ and $b$ " + "neither is better than the other " * 4
    with drawing.picture(tmp_path / "a.png", title) as figure:
        figure.subplots()
    heading = figure._suptitle  # type: ignore[attr-defined]
    text = heading.get_text()
    assert text.count("\n") >= 1
    assert " ".join(text.split()) == title.replace("$", r"\$").strip()
    assert heading.get_window_extent().x1 <= figure.bbox.x1
    assert heading.get_horizontalalignment() == "left"


def test_pictures_can_be_read_at_600_pixels(tmp_path: Path) -> None:
    from PIL import Image

    with drawing.picture(tmp_path / "a.png", "A line.", height=3) as figure:
        axes = figure.subplots()
        drawing.line(axes, [0, 1], [0, 1], "name", drawing.BLUE)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (1200, 450)
    texts: list[Any] = figure.findobj(Text)
    assert min(text.get_fontsize() for text in texts) >= 9


def test_the_folder_of_a_picture_is_made_when_there_is_a_picture(
    tmp_path: Path,
) -> None:
    file = tmp_path / "new" / "deep" / "a.png"
    with drawing.picture(str(file), "A line.") as figure:
        figure.subplots()
        assert not file.parent.parent.exists()
    assert file.exists()


def settings() -> dict[Any, Any]:
    """Without the backend, which is chosen when it is looked at."""
    names: Any = rcParams
    return {name: names[name] for name in names if name != "backend"}


def test_settings_of_the_user_stay_and_do_not_show(tmp_path: Path) -> None:
    def draw(name: str) -> bytes:
        with drawing.picture(tmp_path / name, "A line.") as figure:
            drawing.line(figure.subplots(), [0, 1], [0, 1], "a", drawing.BLUE)
        return (tmp_path / name).read_bytes()

    plain = draw("a.png")
    mine: dict[Any, Any] = {
        "font.size": 30,
        "axes.facecolor": "black",
        "axes.grid": False,
    }
    before = settings()
    try:
        rcParams.update(mine)
        assert draw("b.png") == plain
        assert {name: rcParams[name] for name in mine} == mine
    finally:
        rcParams.update({name: before[name] for name in mine})
    assert settings() == before


def test_what_fails_is_not_saved(tmp_path: Path) -> None:
    before = settings()
    with (
        pytest.raises(RuntimeError, match="of mine"),
        drawing.picture(tmp_path / "a.png", "A line."),
    ):
        raise RuntimeError("of mine")
    assert not list(tmp_path.iterdir())
    assert settings() == before


def test_colours_are_those_for_the_colour_blind_and_no_yellow() -> None:
    # Okabe and Ito, 2008.
    published = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"}
    assert set(drawing.COLOURS) == published
    assert len(drawing.COLOURS) == 6


@pytest.mark.parametrize("colour", [*drawing.COLOURS, drawing.GREY])
def test_words_can_be_read_on_white(colour: str) -> None:
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(
            parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    # The contrast that WCAG 2.2 asks of text that is large or bold.
    assert 1.05 / (luminance(drawing.words(colour)) + 0.05) >= 3.0


def test_a_missing_matplotlib_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with (
        pytest.raises(ImportError, match=r"need matplotlib: pip install .*comparison"),
        drawing.picture(tmp_path / "a.png", "A line."),
    ):
        pass


def test_neither_pyplot_nor_the_backend_of_the_user_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Keras has loaded it; whoever imports it now fails.
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    before = dict.__getitem__(rcParams, "backend")
    with drawing.picture(tmp_path / "a.png", "A line.") as figure:
        drawing.line(figure.subplots(), [0, 1], [0, 1], "a", drawing.BLUE)
    assert (tmp_path / "a.png").exists()
    assert dict.__getitem__(rcParams, "backend") is before
