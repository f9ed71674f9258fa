"""Which files are pictures: by their names and, where those say nothing, by content."""

import contextlib
import functools
import os
import re
import zipfile
from pathlib import Path

from PIL import Image, features

# Pillow has a name for these, but runs a program for them, or reads none of them.
_NO_PHOTOS = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "PDF", "WMF"}
# Formats that can be told by their first bytes, whatever the file is called.
_TOLD_BY_CONTENT = {
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "BMP": rb"BM....\0\0\0\0",
    "JPEG2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "AVIF": rb"....ftypavi[fs]",
    "HEIF": rb"....ftyp(?:he[ivx][cmsx]|mi[af]1|msf1)",
    "TIFF": rb"II\*\0|MM\0\*",
}
_LONGEST = 16
_HEIC = (
    "it is HEIC, which can be read once pillow-heif is installed (pip install "
    "pillow-heif)"
)
_AVIF = "it is AVIF, which a newer Pillow can read (pip install --upgrade pillow)"
_RAW_SUFFIXES = frozenset(
    (
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff"),
        *(".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef"),
        *(".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    )
)
_HEIC_SUFFIXES = frozenset((".heic", ".heics", ".heif", ".heifs", ".hif"))
_ARCHIVE_SUFFIXES = frozenset((".zip", ".tar", ".tgz", ".gz", ".bz2", ".7z", ".rar"))
_OTHER_SUFFIXES = frozenset(
    (
        *(".ai", ".cdr", ".clip", ".emf", ".eps", ".jxl", ".kra", ".pdf", ".svg"),
        *(".svgz", ".wmf", ".xcf"),
    )
)


@functools.cache
def formats_by_suffix() -> dict[str, str]:
    """The formats that can be read, by the suffixes that their files usually have."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    known = Image.registered_extensions()
    if not features.check("avif"):
        known = {suffix: form for suffix, form in known.items() if form != "AVIF"}
    return {
        suffix: form
        for suffix, form in known.items()
        if form in Image.OPEN and form not in _NO_PHOTOS
    }


def formats_to_try(suffix: str | None) -> list[str]:
    """What a file may be: what its content says, or else what its name says.

    Some formats have no mark of their own: noise would pass for a picture in one.
    Only where there is no name, all are tried.
    """
    known = formats_by_suffix()
    if suffix is None:
        return sorted(set(known.values()))
    expected = known.get(suffix.lower())
    told = [name for name in _TOLD_BY_CONTENT if name in known.values()]
    return [*told, expected] if expected and expected not in told else told


def told_format(content: bytes) -> str | None:
    """The format that the first bytes of a file tell."""
    for name, mark in _TOLD_BY_CONTENT.items():
        if re.match(mark, content[:_LONGEST], re.DOTALL):
            return name
    return None


def is_picture(path: str | Path) -> bool:
    """Whether a file is a picture, readable or not, by its name or its content."""
    suffix = _suffix(path)
    if suffix in formats_by_suffix() or suffix in _RAW_SUFFIXES | _HEIC_SUFFIXES:
        return True
    return suffix == ".avif" or told_format(_first_bytes(path)) is not None


def why_unreadable(path: str | Path) -> str | None:
    """Why a file can't be a picture to train on, or `None` if it may be one.

    What is damaged shows only when it is read.
    """
    suffix = _suffix(path)
    if suffix in formats_by_suffix():
        return None
    told = told_format(_first_bytes(path))
    if suffix in _RAW_SUFFIXES and told in (None, "TIFF"):
        return "it is a camera's raw file: it has to be exported, for example as JPEG"
    if told:
        return why_unsupported(told)
    if suffix in _HEIC_SUFFIXES:
        return why_unsupported("HEIF")
    if suffix in (".avif", ".avifs"):
        return why_unsupported("AVIF")
    if suffix in _OTHER_SUFFIXES:
        return f"{suffix} is a format that can't be read: it has to be exported"
    if suffix in _ARCHIVE_SUFFIXES:
        return "it is an archive: it has to be unpacked"
    return "it is not a picture"


def is_archive(path: Path) -> bool:
    """Whether the pictures may be packed in a file."""
    return _suffix(path) in _ARCHIVE_SUFFIXES or zipfile.is_zipfile(path)


def why_unsupported(form: str) -> str | None:
    """Why a format can't be read here, or `None` if it can."""
    if form in formats_by_suffix().values():
        return None
    return {"HEIF": _HEIC, "AVIF": _AVIF}.get(form, f"{form} can't be read here")


def _suffix(path: str | Path) -> str:
    return os.path.splitext(path)[1].lower()


def _first_bytes(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LONGEST)
    except OSError:
        return b""
