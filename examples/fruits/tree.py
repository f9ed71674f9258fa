"""What lies in a folder of pictures, whatever else people and systems leave in it."""

import collections
import dataclasses
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from fruits.formats import is_picture
from fruits.results import DRAWN, is_of_study, why_results

# What systems and programs leave behind: nobody's pictures, and not worth a word.
_OF_SYSTEMS = frozenset(
    (
        *("$recycle.bin", "recycler", "system volume information", "lost+found"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r"),
        *("__macosx", "@eadir", "#recycle", "__pycache__"),
        *(".ds_store", ".git", ".svn", ".hg", ".ipynb_checkpoints", ".directory"),
        *(".fseventsd", ".spotlight-v100", ".trashes", ".temporaryitems"),
        *(".picasa.ini", ".thumbnails", ".gitignore", ".gitattributes", ".gitkeep"),
        *(".keep", ".nomedia", ".documentrevisions-v100", ".apdisk"),
    )
)

LeftOut = tuple[Path, str]


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """A file, with what tells one state of it from another.

    There may be a million, and a `Path` takes a multiple of a text's time and memory.
    """

    location: str
    size: int
    modified: int

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.location)


@dataclasses.dataclass
class Listing:
    """The contents of a folder, in the order of their names.

    Attributes:
        folders: The folders in it, also linked ones.
        files: The files in it, also linked ones.
        left_out: What is neither, or not to be looked at, and why.
        results: What the folder is, if these scripts have written it.
    """

    folders: list[Path] = dataclasses.field(default_factory=list)
    files: list[File] = dataclasses.field(default_factory=list)
    left_out: list[LeftOut] = dataclasses.field(default_factory=list)
    results: str | None = None


def listing(folder: Path) -> Listing:
    """What lies directly in a folder; one that can't be opened is left out itself."""
    found = Listing()
    try:
        with os.scandir(folder) as entries:
            ordered = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found.left_out.append((folder, f"it can't be opened: {error.strerror}"))
        return found
    for entry in ordered:
        if not _is_of_a_system(entry.name):
            _add(entry, found)
    found.results = why_results(entry.name for entry in ordered)
    return found


def files_below(folder: Path) -> Listing:
    """All files below a folder, without results of these scripts.

    A folder that is linked to twice is read once.
    """
    found = Listing()
    beside_results: set[Path] = set()
    seen: dict[tuple[int, int], Path] = {}
    waiting = collections.deque([folder])
    linked: collections.deque[Path] = collections.deque()
    while waiting or linked:
        # Folders before links to them: what is there twice has its plain name.
        here = waiting.popleft() if waiting else linked.popleft()
        try:
            status = here.stat()
        except OSError as error:  # It has gone since it was listed.
            found.left_out.append((here, f"it can't be opened: {error.strerror}"))
            continue
        before = seen.setdefault((status.st_dev, status.st_ino), here)
        if before != here:
            found.left_out.append((here, f"it is the same folder as {before.name}"))
            continue
        inside = listing(here)
        if inside.results:
            found.left_out.append((here, inside.results))
            beside_results.add(here.parent)
            if here == folder:
                found.results = inside.results
            continue
        found.files += inside.files
        found.left_out += inside.left_out
        for path in inside.folders:
            (linked if path.is_symlink() else waiting).append(path)
    for file in [*found.files] if beside_results else []:
        if file.path.parent in beside_results and is_of_study(file.path.name):
            found.left_out.append((file.path, DRAWN))
            found.files.remove(file)
    found.files.sort(key=lambda file: file.location.split(os.sep))
    return found


def is_one_of(folder: Path, others: Iterable[Path]) -> bool:
    """Whether a folder is one of others, under whatever name."""
    return any(folder.samefile(other) for other in others)


def holds_pictures(folder: Path) -> bool:
    """Whether there is a picture anywhere below a folder, readable or not."""
    return any(is_picture(file.location) for file in files_below(folder).files)


def _is_of_a_system(name: str) -> bool:
    # "._apple.jpg" is what macOS notes of apple.jpg, ".Trash-1000" Linux's dustbin.
    return name.startswith(("._", ".Trash-")) or name.lower() in _OF_SYSTEMS


def _add(entry: os.DirEntry[str], found: Listing) -> None:
    if entry.name.startswith("."):
        reason = "it is hidden: its name begins with a dot"
        found.left_out.append((Path(entry.path), reason))
        return
    try:
        status = entry.stat()
    except OSError as error:
        reason = f"it can't be opened: {error.strerror}"
        if entry.is_symlink():
            reason = "it is a link that leads nowhere"
        found.left_out.append((Path(entry.path), reason))
        return
    if stat.S_ISREG(status.st_mode):
        found.files.append(File(entry.path, status.st_size, status.st_mtime_ns))
        return
    path = Path(entry.path)
    if not stat.S_ISDIR(status.st_mode):
        found.left_out.append((path, "it is neither a file nor a folder"))
    elif entry.is_symlink() and _holds(path.resolve(), path.parent.resolve()):
        found.left_out.append((path, "it is a link to a folder that holds it"))
    else:
        found.folders.append(path)


def _holds(folder: Path, other: Path) -> bool:
    return folder == other or folder in other.parents
