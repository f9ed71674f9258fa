"""Tables of figures, printed and written to a file."""

import datetime
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import rich.console
import rich.table

RESULTS = Path(__file__).parent / "results"


class Table:
    """A table that is shown while it grows and is kept as Markdown.

    Args:
        name: The name of the file, without its suffix.
        title: What the figures are, in a sentence.
        columns: The heads of the columns.
    """

    def __init__(self, name: str, title: str, columns: Sequence[str]):
        backend = keras.backend.backend()
        self._path = RESULTS / f"{name}-{backend}.md"
        self._title = f"{title} {conditions()}"
        self._columns = list(columns)
        self._rows: list[list[str]] = []

    def add(self, *cells: Any) -> None:
        """Adds a row, and writes the file anew, so that nothing is lost."""
        row = [cell if isinstance(cell, str) else figure(cell) for cell in cells]
        print(" | ".join(row), flush=True)
        self._rows.append(row)
        RESULTS.mkdir(exist_ok=True)
        lines = [self._columns, ["---"] * len(self._columns), *self._rows]
        markdown = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        self._path.write_text(f"{self._title}\n\n{markdown}\n", "utf-8")

    def show(self) -> None:
        """Prints the whole table."""
        table = rich.table.Table(title=self._title, caption=f"written to {self._path}")
        for column in self._columns:
            table.add_column(column, justify="right", no_wrap=True)
        for row in self._rows:
            table.add_row(*row)
        rich.console.Console(width=120).print(table)


def conditions() -> str:
    """Versions, processor cores and date."""
    backend = keras.backend.backend()
    packages = ", ".join(f"{name} {version(name)}" for name in ("keras", backend))
    cores = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    return f"({packages}, {cores}, {datetime.date.today()})"


def figure(value: float) -> str:
    """Three significant digits."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
