"""What a person sees at the end of a run: a picture, a table and a JSON file."""

import dataclasses
import json
import math
import statistics
from pathlib import Path
from typing import Any

import keras
import numpy as np
import rich.console
import rich.markup
import rich.table

from fruits.confusion import Confusion
from fruits.confusion_picture import draw_confusion
from fruits.monitor import RATE
from fruits.run import DIVERGED, Run
from fruits.run_folder import BEST
from fruits.whole_files import written_whole
from keras_momentum import drawing

_ROWS, _COLUMNS = 4, 6
_MOST_PRINTED = 30


def write_report(run: Run) -> None:
    """Draws the picture, writes `summary.json` and prints the summary."""
    summary = {
        "state": run.state,
        "device": run.device,
        "accuracy": run.scores,
        "best_epoch": run.best_epoch,
        "epochs": len(run.history["loss"]),
        "seconds": round(run.history["seconds"][-1], 1),
        "data_wait": round(float(np.mean(run.history["data_wait"])), 4),
        RATE: _rate(run.history),
        "counts": run.counts,
        "classes": run.classes,
        "left_out": run.left_out,
    }
    if run.model is not None:
        summary |= _report_on(run, run.model)
    with written_whole(run.folder.path / "summary.json") as beside:
        beside.write_text(json.dumps(summary, indent=2) + "\n", "utf-8")
    _print(summary, run)


def _rate(history: dict[str, list[float]]) -> float | None:
    """Pictures a second: the mean of the epochs but the first, which compiles."""
    rates = [rate for rate in history[RATE][1:] if not math.isnan(rate)]
    return round(statistics.fmean(rates), 1) if rates else None


def _report_on(run: Run, model: keras.Model) -> dict[str, Any]:
    """Draws and prints what the model makes of the shown split; for the summary."""
    pictures, labels = _shown_pictures(run)
    guesses = np.argmax(model.predict(pictures, verbose=0), axis=-1)
    folder = run.folder.path
    with written_whole(folder / "picture.png") as beside:
        _draw(run, pictures, labels, guesses, beside)
    confusion = Confusion(labels, guesses, run.classes)
    with written_whole(folder / "confusion.png") as beside:
        draw_confusion(confusion, run.shown[0], beside)
    with written_whole(folder / "classes.csv") as beside:
        confusion.write(beside)
    _print_classes(confusion, run)
    return {
        "parameters": model.count_params(),
        "most_confused": confusion.mistakes(3),
        "per_class": [dataclasses.asdict(score) for score in confusion.scores()],
        "picture": str(folder / "picture.png"),
        "confusion": str(folder / "confusion.png"),
    }


def _shown_pictures(run: Run) -> tuple[np.ndarray, np.ndarray]:
    batches = list(run.shown[1].as_numpy_iterator())
    pictures = np.concatenate([batch[0] for batch in batches])
    labels = np.concatenate([batch[1] for batch in batches]).argmax(axis=-1)
    return pictures, labels


def _print(summary: dict[str, Any], run: Run) -> None:
    table = rich.table.Table(title=run.folder.path.name, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for split, accuracy in run.scores.items():
        table.add_row(f"{split} accuracy", f"{accuracy:.1%}")
    table.add_row("best epoch", f"{run.best_epoch or 'none'} of {summary['epochs']}")
    table.add_row("time", f"{summary['seconds']:.0f} s")
    table.add_row("waiting for data", f"{summary['data_wait']:.1%} of it")
    if summary[RATE] is not None:
        table.add_row("pictures a second", f"{summary[RATE]:,.0f} (after epoch 1)")
    pictures = ", ".join(f"{count} {split}" for split, count in run.counts.items())
    table.add_row("pictures", f"{pictures}; {len(run.classes)} classes")
    if run.left_out:
        named = ", ".join(f"{name} ({reason})" for name, reason in run.left_out[:5])
        more = f" and {len(run.left_out) - 5} more" if len(run.left_out) > 5 else ""
        table.add_row("left out", f"{len(run.left_out)}: {named}{more}")
    if run.model is not None:
        table.add_row("parameters", f"{summary['parameters']:,}")
        for actual, guess, count in summary["most_confused"]:
            names = rich.markup.escape(f"{actual} for {guess}")
            table.add_row("took", f"{count} × {names}")
        table.add_row("best weights", str(run.folder.path / BEST))
        table.add_row("confusions", summary["confusion"])
    table.add_row("TensorBoard", f"tensorboard --logdir {run.folder.path.parent}")
    rich.console.Console().print(table)
    if run.model is not None:
        print(f"Picture: {summary['picture']}")
    if run.state == DIVERGED:
        print(
            "The run diverged: its loss is not finite. A lower optimizer.learning_rate "
            "or optimizer.momentum may help."
        )


def _print_classes(confusion: Confusion, run: Run) -> None:
    """Prints how well each class is recognised, or the worst of many."""
    worst = confusion.worst()
    title = f"{run.shown[0]} pictures by class, worst first"
    if len(worst) > _MOST_PRINTED:
        title = (
            f"{_MOST_PRINTED} worst of {len(worst)} classes, {run.shown[0]} pictures"
        )
    table = rich.table.Table(title=title)
    table.add_column("class", overflow="fold")
    for heading in ("pictures", "precision", "recall", "F1"):
        table.add_column(heading, justify="right")
    for score in worst[:_MOST_PRINTED]:
        shares = map(_percent, (score.precision, score.recall, score.f1))
        table.add_row(rich.markup.escape(score.name), str(score.pictures), *shares)
    rich.console.Console().print(table)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _draw(
    run: Run,
    pictures: np.ndarray,
    labels: np.ndarray,
    guesses: np.ndarray,
    path: Path,
) -> None:
    split = run.shown[0]
    title = (
        f"After {len(run.history['loss'])} epochs {run.scores[split]:.1%} of the "
        f"{split} pictures are recognised; below are some of them, with what was seen."
    )
    with drawing.picture(path, title, height=9) as figure:
        above, below = figure.subfigures(2, 1, height_ratios=(1, 1.6))  # type: ignore[misc]
        _draw_curves(above, run.history)
        grid = below.subplots(_ROWS, _COLUMNS)
        for axes in grid.flat:
            axes.set_axis_off()
        # Evenly from all of the split, whose order may be that of the classes.
        chosen = np.linspace(0, len(pictures) - 1, min(grid.size, len(pictures)))
        for axes, i in zip(grid.flat, np.unique(chosen.astype(int)), strict=False):
            axes.imshow(pictures[i], interpolation="lanczos")
            guess = drawing.shown(run.classes[guesses[i]], 16)
            axes.set_title(guess, fontsize=9, loc="center")
            if labels[i] != guesses[i]:
                actual = drawing.shown(run.classes[labels[i]], 12)
                colour = drawing.words(drawing.VERMILLION)
                text = f"{guess}\nno: {actual}"
                axes.set_title(text, fontsize=9, loc="center", color=colour)


def _draw_curves(figure: Any, history: dict[str, list[float]]) -> None:
    panels = figure.subplots(2, 2, sharex=True)
    epochs = np.arange(1, len(history["loss"]) + 1)
    for axes, key in zip(panels[0], ("loss", "accuracy"), strict=True):
        drawing.line(axes, epochs, history[key], "training", drawing.BLUE)
        validation = history[f"val_{key}"]
        drawing.line(axes, epochs, validation, "validation", drawing.VERMILLION)
        axes.set_title(key)
    for axes, key in zip(panels[1], ("gamma", "learning_rate"), strict=True):
        drawing.line(axes, epochs, history[key], None, drawing.BLUE)
        axes.set(title=key.replace("_", " "), xlabel="epoch", ylim=(0, None))
        axes.locator_params(axis="x", integer=True)
