"""Names the fruit in pictures, with a classifier that train_fruits.py has saved.

    python examples/predict_fruits.py MODEL IMAGE ...

MODEL is the best.keras of a run. IMAGE is a picture file, a folder, all of whose
pictures are meant, or - for a picture from stdin. There is a line for each picture: its
best class and the next two, with their probabilities. A file that is no picture is
named on stderr, and the exit code is 1 then.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fruits.command_line import CommandLine, path
from fruits.entry import import_keras, run
from fruits.readable import readable

_SHOWN = 3
_STDIN = Path("-")
ADDRESS = "it is an address, and a picture must be a file: download it first"


def main(arguments: Sequence[str] | None = None) -> int:
    """Predicts; returns the exit code."""
    parser = CommandLine(__doc__)
    parser.add_argument("model", metavar="MODEL", type=path)
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=path)
    given = parser.parse_args(arguments)
    # TensorFlow takes seconds to import: not for --help.
    import_keras()
    from fruits.images import BrokenImageError
    from fruits.prediction import predictions
    from fruits.saved_model import load_model

    saved = load_model(given.model)
    files, missed = _files(given.images)
    for folder in missed:
        _complain(folder, "there is no picture in it")
    sources = (sys.stdin.buffer.read() if f == _STDIN else f for f in files)
    for file, found in zip(files, predictions(saved, sources), strict=True):
        if isinstance(found, BrokenImageError):
            missed.append(file)
            _complain(file, ADDRESS if _is_address(file) else str(found))
        else:
            best = (-found).argsort(kind="stable")[:_SHOWN]
            named = (
                f"{readable(saved.classes[i])} {100 * found[i]:.1f} %" for i in best
            )
            print(f"{readable(file)}: {', '.join(named)}", flush=True)
    return 1 if missed else 0


def _files(images: list[Path]) -> tuple[list[Path], list[Path]]:
    """All files that are meant, and the folders without a picture."""
    from fruits.formats import is_picture
    from fruits.tree import files_below

    files, without = [], []
    for image in images:
        found = [image]
        if os.path.isdir(image):
            below = (file.path for file in files_below(image).files)
            found = [file for file in below if is_picture(file)]
        files += found
        if not found:
            without.append(image)
    return files, without


def _is_address(file: Path) -> bool:
    """Whether somebody has given the address of a page as a file."""
    return file.parts[:1] in (("http:",), ("https:",)) and not os.path.exists(file)


def _complain(file: Path, why: str) -> None:
    print(f"{readable(file)}: {why}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run(main)
