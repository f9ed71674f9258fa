"""Picture files without what cameras and programs write beside the picture."""

import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
# Without these chunks a PNG is another picture; the others may be left out.
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JPEG = b"\xff\xd8"
_START_OF_SCAN, _EXIF_OR_XMP, _COMMENT = 0xDA, 0xE1, 0xFE
# What says how the colours of a JPEG are to be read, JFIF's and Adobe's, and the
# length of it.
_COLOURS = {0xE0: 16, 0xEE: 14}


def with_fewer_metadata(content: bytes) -> Iterator[bytes]:
    """A PNG or JPEG file with no metadata but EXIF, and then with none.

    What stands in them may be broken, and the picture whole all the same. EXIF says
    how the camera was held.
    """
    for keep_exif in (True, False):
        if content.startswith(_PNG):
            yield _PNG + b"".join(_chunks(content, keep_exif))
        elif content.startswith(_JPEG):
            yield _JPEG + b"".join(_segments(content, keep_exif))


def _chunks(content: bytes, keep_exif: bool) -> Iterator[bytes]:
    position = len(_PNG)
    while position + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if name in _PIXELS or (keep_exif and name == b"eXIf"):
            yield content[position:end]
        position = end


def _segments(content: bytes, keep_exif: bool) -> Iterator[bytes]:
    position = len(_JPEG)
    while position + 4 <= len(content) and content[position] == 0xFF:
        kind, length = struct.unpack_from(">xBH", content, position)
        if kind == _START_OF_SCAN:
            break
        end = position + 2 + length
        is_metadata = 0xE0 <= kind <= 0xEF or kind == _COMMENT
        is_whole = kind in _COLOURS and length >= _COLOURS[kind]
        if not is_metadata or is_whole or (keep_exif and kind == _EXIF_OR_XMP):
            yield content[position:end]
        position = end
    yield content[position:]
