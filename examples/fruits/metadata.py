"""Picture files without what cameras and programs write beside the picture."""

import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
# Without these chunks a PNG is another picture; the others may be left out.
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_JPEG = b"\xff\xd8"
_START_OF_SCAN = 0xDA
# What says how the colours of a JPEG are to be read, JFIF's and Adobe's, and the
# length of it.
_COLOURS = {0xE0: 16, 0xEE: 14}


def without_metadata(content: bytes) -> bytes:
    """A PNG or JPEG file without its metadata; any other file as it is.

    What stands in it may be broken, and the picture whole all the same.
    """
    if content.startswith(_PNG):
        return _PNG + b"".join(_chunks(content))
    if content.startswith(_JPEG):
        return _JPEG + b"".join(_segments(content))
    return content


def _chunks(content: bytes) -> Iterator[bytes]:
    position = len(_PNG)
    while position + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, position)
        end = position + 12 + length
        if name in _PIXELS:
            yield content[position:end]
        position = end


def _segments(content: bytes) -> Iterator[bytes]:
    position = len(_JPEG)
    while position + 4 <= len(content) and content[position] == 0xFF:
        kind, length = struct.unpack_from(">xBH", content, position)
        if kind == _START_OF_SCAN:
            break
        end = position + 2 + length
        is_metadata = 0xE0 <= kind <= 0xEF or kind == 0xFE
        is_whole = kind in _COLOURS and length >= _COLOURS[kind]
        if not is_metadata or is_whole:
            yield content[position:end]
        position = end
    yield content[position:]
