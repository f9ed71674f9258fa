"""What is printed and written of the pictures that were found, and of the others."""

import csv
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import rich.console
import rich.table
import rich.text

from fruits.readable import some
from fruits.whole_files import written_whole

# A class of fewer pictures, or of a small share of the usual number, is hardly learnt.
_FEW, _SMALL_SHARE = 10, 0.25
# More classes than that are not read: those with the fewest pictures are shown.
_MOST_ROWS = 60
_FEW_NAMES = 3


def print_found(
    counts: Mapping[str, Mapping[str, int]],
    left_out: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> None:
    """Prints the table of splits and classes, what is left out, and the notes.

    Args:
        counts: The number of pictures of each class in each split.
        left_out: What is left out, and why.
        notes: What a person should know, a sentence each.
    """
    console = rich.console.Console(highlight=False)
    console.print(_table(counts))
    for note in notes:
        console.print(rich.text.Text(f"Note: {note}.", "yellow"), soft_wrap=True)
    reasons: dict[str, list[str]] = {}
    for name, reason in left_out:
        reasons.setdefault(reason, []).append(name)
    for reason, names in reasons.items():
        text = f"Left out ({len(names)}): {some(names, _FEW_NAMES)}: {reason}."
        console.print(rich.text.Text(text), soft_wrap=True)
    if any(len(names) > _FEW_NAMES for names in reasons.values()):
        console.print("train_fruits.py and compare_fruits.py list all in left_out.csv.")


def write_left_out(left_out: Sequence[tuple[str, str]], folder: Path) -> None:
    """Writes what is left out to `left_out.csv`; no file if that is nothing."""
    if not left_out:
        return
    with (
        written_whole(folder / "left_out.csv") as beside,
        beside.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("file", "reason"))
        writer.writerows(left_out)


def _table(counts: Mapping[str, Mapping[str, int]]) -> rich.table.Table:
    taught = counts["train"]
    few = max(_FEW, _SMALL_SHARE * statistics.median(taught.values()))
    shown = sorted(taught)
    if len(taught) > _MOST_ROWS:
        shown = sorted(sorted(taught, key=lambda name: taught[name])[:_MOST_ROWS])
    table = rich.table.Table(show_footer=True)
    table.add_column("class", f"{len(taught)} classes", overflow="fold")
    for split, numbers in counts.items():
        total = f"{sum(numbers.values()):,}"
        table.add_column(split, total, justify="right")
    table.add_column("")
    for name in shown:
        of_splits = [split.get(name, 0) for split in counts.values()]
        remark, style = "", ""
        if taught[name] < few:
            remark, style = "few", "yellow"
        if 0 in of_splits:
            remark, style = "none in a split", "bold red"
        cells = [name, *(f"{number:,}" for number in of_splits), remark]
        table.add_row(*(rich.text.Text(cell, style) for cell in cells))
    if len(shown) < len(taught):
        more = f"and {len(taught) - len(shown)} classes with more pictures"
        table.add_row(rich.text.Text(more, "dim"))
    return table
