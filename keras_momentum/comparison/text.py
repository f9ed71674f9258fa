"""Tables as text."""

import io
from typing import Any


def as_text(table: Any, width: int = 120) -> str:
    """A `rich.table.Table` as lines of text."""
    import rich.console

    file = io.StringIO()
    rich.console.Console(file=file, width=width).print(table)
    return file.getvalue()
