"""Names the fruit in pictures, with a classifier that train_fruits.py has saved.

    python examples/predict_fruits.py MODEL IMAGE ...

MODEL is the best.keras of a run. IMAGE is a picture file, a folder, all of whose
pictures are meant, or - for a picture from stdin. There is a line for each picture: its
best class and the next two, with their probabilities. A file that is no picture is
named on stderr, and the exit code is 1 then.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fruits.command_line import fail
from fruits.errors import RefusedError

_SHOWN = 3
_STDIN = Path("-")


def main(arguments: Sequence[str] | None = None) -> int:
    """Predicts; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", type=Path)
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    # TensorFlow takes seconds to import, and says much: not for --help.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
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
            _complain(file, str(found))
        else:
            best = (-found).argsort(kind="stable")[:_SHOWN]
            named = (f"{_shown(saved.classes[i])} {100 * found[i]:.1f} %" for i in best)
            print(f"{_shown(str(file))}: {', '.join(named)}", flush=True)
    return 1 if missed else 0


def _files(images: list[Path]) -> tuple[list[Path], list[Path]]:
    """All files that are meant, and the folders without a picture."""
    files, without = [], []
    for image in images:
        found = list(_pictures_below(image)) if os.path.isdir(image) else [image]
        files += found
        if not found:
            without.append(image)
    return files, without


def _pictures_below(folder: Path) -> Iterator[Path]:
    """Files that are pictures by their names, and not hidden."""
    from PIL import Image

    from fruits.photos import files_below

    suffixes = Image.registered_extensions()
    return (file for file in files_below(folder) if file.suffix.lower() in suffixes)


def _complain(file: Path, why: str) -> None:
    print(f"{_shown(str(file))}: {why}", file=sys.stderr, flush=True)


def _shown(name: str) -> str:
    """A name in one line, whatever is in it."""
    return name if name.isprintable() else repr(name)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except RefusedError as error:
        fail(str(error))
