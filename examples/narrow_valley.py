"""Draws how optimizers go down a narrow valley, and how fast, beside the theory.

    python examples/narrow_valley.py [picture.png]

The valley is ½ (x² + y² / κ). Plain gradient descent zigzags or crawls; momentum brings
the number of steps from κ down to its root. Who does not know κ may take too large a γ:
then heavy ball swings for a long time, and aggregated momentum comes to rest.
"""

from rich.console import Console
from rich.table import Table

from fruits.command_line import CommandLine, picture_file
from fruits.entry import import_keras, run


def main() -> None:
    """Lets them all go down, prints the table and draws."""
    parser = CommandLine(__doc__)
    parser.add_argument(
        "picture", type=picture_file, nargs="?", default="narrow_valley.png"
    )
    picture = parser.parse_args().picture
    # TensorFlow takes seconds to import: not for --help or a wrong argument.
    import_keras()
    from valley.descents import (
        CONDITION_NUMBER,
        contestants,
        descend,
        distances,
        measured_rate,
    )
    from valley.pictures import draw

    all_of_them = contestants()
    paths = {
        name: descend(each.optimizer, each.steps) for name, each in all_of_them.items()
    }
    table = Table(
        title=f"κ = {CONDITION_NUMBER:g}",
        caption="With the best γ the distance is like t · rate^t: slower at first.",
    )
    table.add_column("optimizer")
    for column in ("steps", "last distance", "rate, measured", "rate, theory"):
        table.add_column(column, justify="right")
    for name, (_, rate, steps) in all_of_them.items():
        distance = distances(paths[name])
        theory = "" if rate is None else f"{rate:.4f}"
        table.add_row(
            name,
            f"{steps:,}",
            f"{distance[-1]:.1e}",
            f"{measured_rate(distance):.4f}",
            theory,
        )
    console = Console()
    console.print(table)
    draw(paths, [each.rate for each in all_of_them.values()], picture)
    console.print(str(picture), soft_wrap=True)


if __name__ == "__main__":
    run(main)
