"""The contents of picture files as tests need them."""

import io
import struct
from typing import Any

from PIL import Image


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    """A picture as a file of a format of Pillow."""
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def with_segment(
    jpeg: bytes, kind: int, inside: bytes, length: int | None = None
) -> bytes:
    """A JPEG with one more segment of metadata, the first.

    Args:
        jpeg: The JPEG.
        kind: The second byte of the segment's mark.
        inside: What is in it.
        length: What it says its length is; `None` for what that is.
    """
    length = len(inside) + 2 if length is None else length
    head = struct.pack(">BBH", 0xFF, kind, length)
    return jpeg[:2] + head + inside + jpeg[2:]
