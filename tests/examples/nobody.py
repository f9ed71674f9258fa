"""Tests as a user who owns nothing."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_NOBODY = 65534


@contextlib.contextmanager
def as_nobody(*folders: Path) -> Iterator[None]:
    """Within it, root is nobody, who may enter some folders.

    Args:
        *folders: Which ones; with those that they are in, as pytest's are its user's
            alone.
    """
    for folder in folders:
        for path in (folder, *folder.parents):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode | 0o055 != mode:
                path.chmod(mode | 0o055)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
