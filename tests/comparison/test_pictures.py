"""What the picture of a comparison shows."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy import stats

from keras_momentum import drawing
from keras_momentum.comparison import Comparison, Run

PLAIN, OURS = {"optimizer": "SGD"}, {"optimizer": "NAG"}
Draw = Callable[..., Any]


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draws runs, and gives the figure."""
    figures = []
    save = matplotlib.figure.Figure.savefig

    def keep(figure: Any, *arguments: Any, **options: Any) -> None:
        figures.append(figure)
        save(figure, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)

    def draw(*runs: Sequence[Run], metric: str = "loss", mode: str = "min") -> Any:
        every = [run for each in runs for run in each]
        comparison = Comparison(every, metric, mode, target=0.5)
        comparison.draw(tmp_path / "picture.png")
        assert (tmp_path / "picture.png").stat().st_size > 5_000
        return figures[-1]

    return draw


def runs_of(
    name: str,
    *histories: Sequence[float | None],
    gamma: float = 0.9,
    optimizer: str = "NAG",
    metric: str = "loss",
) -> list[Run]:
    return [
        Run(
            name,
            seed,
            history={metric: list(values), "gamma": [gamma] * len(values)},
            steps=[10 * (epoch + 1) for epoch in range(len(values))],
            seconds=[1.0] * len(values),
            hyperparameters={"optimizer": optimizer},
        )
        for seed, values in enumerate(histories)
    ]


def three_to(name: str, last: float, **arguments: Any) -> list[Run]:
    rng = np.random.default_rng(len(name))
    return runs_of(
        name, *(list(last + rng.uniform(1, 1.01, 5)) for _ in range(3)), **arguments
    )


def curves_of(figure: Any) -> dict[str, Any]:
    """The lines of the upper part by the names at their ends."""
    axes = figure.axes[0]
    lines = {tuple(line.get_xydata()[-1]): line for line in axes.lines}
    return {
        text.get_text(): lines[text.xy]
        for text in axes.texts
        if hasattr(text, "xy") and text.xy in lines
    }


def colours_of(figure: Any) -> dict[str, str]:
    return {
        name: to_hex(line.get_color()).upper()
        for name, line in curves_of(figure).items()
    }


def title_of(figure: Any) -> str:
    return str(figure.get_suptitle())


def words(text: str) -> list[str]:
    return text.split()


def test_the_best_and_plain_descent_are_in_colour_and_the_rest_is_grey(
    drawn: Draw,
) -> None:
    figure = drawn(
        three_to("first", 0.5),
        three_to("keras rmsprop", 0.4, gamma=0.0, optimizer="RMSprop"),
        three_to("sgd", 0.6, gamma=0.0, optimizer="SGD"),
        three_to("best", 0.1),
    )
    assert colours_of(figure) == {
        "best": drawing.BLUE,
        "sgd": drawing.VERMILLION,
        "first": drawing.GREY,
        "keras rmsprop": drawing.GREY,
    }
    # A band for each of the two, and for nobody else.
    bands = figure.axes[0].collections
    assert len(bands) == 2


def test_without_plain_descent_the_first_is_the_baseline(drawn: Draw) -> None:
    figure = drawn(three_to("first", 0.5), three_to("b", 0.6), three_to("best", 0.1))
    colours = colours_of(figure)
    assert colours["first"] == drawing.VERMILLION
    assert colours["best"] == drawing.BLUE
    assert colours["b"] == drawing.GREY


def test_a_gamma_that_moves_away_from_zero_is_no_plain_descent(drawn: Draw) -> None:
    ramp = three_to("ramp", 0.6, gamma=0.0)
    for run in ramp:
        run.history["gamma"][-1] = 0.9
    figure = drawn(three_to("first", 0.5), ramp, three_to("best", 0.1))
    assert colours_of(figure)["ramp"] == drawing.GREY


def test_if_the_baseline_is_best_the_second_is_beside_it(drawn: Draw) -> None:
    figure = drawn(
        three_to("sgd", 0.1, gamma=0.0, optimizer="SGD"),
        three_to("third", 0.5),
        three_to("second", 0.3),
    )
    colours = colours_of(figure)
    assert colours == {
        "sgd": drawing.VERMILLION,
        "second": drawing.BLUE,
        "third": drawing.GREY,
    }
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels == ["sgd (baseline)", "second", "third"]


def test_the_title_is_the_verdict(drawn: Draw) -> None:
    a, b, c = three_to("a $1$", 0.1), three_to("b", 0.5), three_to("c", 0.9)
    figure = drawn(a, b, c)
    verdict = Comparison([*a, *b, *c], "loss").verdict()
    assert "\n  a $1$: " in verdict
    assert words(title_of(figure).replace(r"\$", "$")) == words(verdict)
    assert not [axes for axes in figure.axes if axes.get_legend()]


def test_a_long_verdict_is_cut_and_keeps_its_end(drawn: Draw) -> None:
    groups = [three_to(f"optimizer {number}", number / 5) for number in range(20)]
    title = title_of(drawn(*groups))
    assert title.startswith("Better than (paired t-test")
    assert "optimizer 0: " in title
    assert title.endswith("of 190 pairs do not differ.")


def test_curves_are_means_with_intervals_of_runs_that_did_not_diverge(
    drawn: Draw,
) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0.5, 1.0, (4, 6))
    diverged = [1e9, 1e9, math.nan]
    # One run is shorter than the others: the mean goes as far as all of them.
    histories = [values[0], values[1], values[2], values[3][:4], diverged]
    figure = drawn(runs_of("a", *(list(map(float, each)) for each in histories)))
    (line,) = curves_of(figure).values()
    expected = values[:, :4].astype(np.float64).mean(axis=0)
    assert line.get_xdata().tolist() == [10, 20, 30, 40]
    np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
    (band,) = figure.axes[0].collections
    error = values[:, :4].std(axis=0, ddof=1) / np.sqrt(4)
    top = expected + stats.t.ppf(0.975, 3) * error
    corners = band.get_paths()[0].vertices
    for step, height in zip((10, 20, 30, 40), top, strict=True):
        assert corners[corners[:, 0] == step][:, 1].max() == pytest.approx(height)


def test_what_is_measured_now_and_then_is_a_line_all_the_same(drawn: Draw) -> None:
    history = [1.0, None, 0.8, None, 0.6]
    runs = runs_of("a", *[history] * 3, metric="val_loss")
    for run in runs:
        run.history["loss"] = [1.0] * 5
    figure = drawn(runs, metric="val_loss")
    (line,) = curves_of(figure).values()
    assert line.get_xdata().tolist() == [10, 30, 50]
    assert line.get_ydata() == pytest.approx([1.0, 0.8, 0.6])


def test_the_rows_have_runs_means_and_intervals_the_best_first(drawn: Draw) -> None:
    worse = runs_of("worse", [1.0, 0.7], [1.0, 0.9], [1.0, 0.8])
    better = runs_of("better", [1.0, 0.2], [1.0, 0.4], [1.0, math.nan])
    figure = drawn(worse, better)
    axes = figure.axes[1]
    lower, upper = sorted(axes.get_ylim())
    assert axes.get_ylim() == (upper, lower)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["better", "worse (baseline)"]
    points = [sorted(line.get_xydata().tolist()) for line in axes.lines]
    assert np.allclose(points[0], [(0.2, 0), (0.4, 0)])
    half_width = stats.t.ppf(0.975, 1) * np.std([0.2, 0.4], ddof=1) / np.sqrt(2)
    assert np.allclose(points[1], [(0.3 - half_width, 0), (0.3 + half_width, 0)])
    assert np.allclose(points[2], [(0.3, 0)])
    assert np.allclose(points[3], [(0.7, 1), (0.8, 1), (0.9, 1)])
    notes = {text.get_position()[1]: text.get_text() for text in axes.texts}
    assert notes == {0: "1 of 3 diverged"}


@pytest.mark.parametrize(
    ("first", "last", "mode", "scale"),
    [
        (1.0, 0.005, "min", "log"),
        (1.0, 0.05, "min", "linear"),
        (1.0, -0.005, "min", "linear"),
        (0.005, 1.0, "max", "linear"),
    ],
)
def test_losses_over_more_than_two_decades_are_on_a_log_scale(
    first: float, last: float, mode: str, scale: str, drawn: Draw
) -> None:
    figure = drawn(runs_of("a", [first, last], [first, last]), mode=mode)
    assert figure.axes[0].get_yscale() == scale


def test_where_all_diverged_it_is_said(drawn: Draw) -> None:
    figure = drawn(*(runs_of(name, *[[math.nan]] * 3) for name in "abc"))
    curves, ends = figure.axes
    assert "all runs diverged" in [text.get_text() for text in curves.texts]
    assert [text.get_text() for text in ends.texts] == ["3 of 3 diverged"] * 3
    assert "a: 3 of 3 runs diverged" in title_of(figure)


def test_runs_without_a_common_update_have_no_curve_but_a_row(drawn: Draw) -> None:
    first, second = runs_of("a", [1.0, 0.7], [1.0, 0.5])
    second.steps[:] = [11, 22]
    curves, ends = drawn([first, second]).axes
    assert "no update that all runs have" in [text.get_text() for text in curves.texts]
    assert sorted(ends.lines[0].get_xdata()) == [0.5, 0.7]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("optimizers", [1, 2, 20])
@pytest.mark.parametrize(("seeds", "epochs"), [(1, 1), (1, 4), (3, 1)])
def test_any_number_of_optimizers_runs_and_epochs_is_a_picture(
    optimizers: int, seeds: int, epochs: int, drawn: Draw
) -> None:
    rng = np.random.default_rng(0)
    figure = drawn(
        *(
            runs_of(f"{'name' * 20} {i}", *rng.uniform(0.4, 0.6, (seeds, epochs)))
            for i in range(optimizers)
        )
    )
    assert title_of(figure)
    assert len(figure.axes[1].get_yticklabels()) == optimizers
    assert len(figure.axes[0].lines) == optimizers + 1  # And the target.


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "name", ["", " ", "$", "$x$ costs $2", "[red]a[/red]", "η → β₁", "x" * 200]
)
def test_any_name_is_a_picture(name: str, drawn: Draw) -> None:
    figure = drawn(three_to(name, 0.5), three_to("other", 0.6))
    labels = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert labels[1] == "other"
    assert labels[0].endswith(" (baseline)")
    for text in figure.axes[0].texts:
        assert text.get_window_extent().x1 <= figure.bbox.x1
