"""Reading any picture file as RGB, or saying why it can't be read."""

import io
import itertools
import math
import os
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from fruits.config import Data
from fruits.formats import formats_to_try, told_format, why_unsupported
from fruits.metadata import with_fewer_metadata
from fruits.tones import to_rgb

# Pillow's limit is one for the process and is only warned of; ours is in `_check_size`.
Image.MAX_IMAGE_PIXELS = None
# Pillow warns of metadata that it does not understand. The picture may be whole.
warnings.filterwarnings("ignore", module=r"PIL\.")

MAX_MEGAPIXELS: int = Data().max_megapixels
Result = TypeVar("Result")
# Pictures are kept smaller than this, far above what is trained on: TensorFlow reads
# no JPEG of more than 179 megapixels, and no JPEG has a longer side.
KEPT_PIXELS, _KEPT_SIDE = 50_000_000, 65_000
# As many as 16 bits of four channels need. More are a film, or many pages.
_MOST_BYTES_A_PIXEL = 8
_END = b"\xff\xd9"
_ORIENTATION = 0x0112
_EXIF, _XMP_ORIENTATION = b"Exif\0\0", b"tiff:Orientation"
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class BrokenImageError(ValueError):
    """A file that is no picture, or only a part of one; says why."""


def read_rgb(
    source: Path | bytes, *, max_megapixels: int = MAX_MEGAPIXELS
) -> np.ndarray:
    """Reads a picture file.

    Pictures of every mode are converted with their tones, transparency is laid on
    white, of an animation or of several pages the first is taken, and the camera's
    orientation is applied. Broken metadata do not matter.

    Args:
        source: A path, or the bytes of a file.
        max_megapixels: Larger pictures are not read.

    Returns:
        An array (height, width, 3) of uint8.

    Raises:
        BrokenImageError: If the file can't be read as a picture.
    """
    return _read(source, max_megapixels, _as_array)


def jpeg(source: Path | bytes, *, max_megapixels: int = MAX_MEGAPIXELS) -> bytes:
    """Returns a picture file as RGB JPEG: its own bytes if that is what it is.

    TensorFlow can decode it.

    Args:
        source: A path, or the bytes of a file.
        max_megapixels: Larger pictures are not read.

    Raises:
        BrokenImageError: If the file can't be read as a picture.
    """
    return _read(source, max_megapixels, _as_jpeg)


def is_kept(content: bytes, width: int, height: int) -> bool:
    """Whether `jpeg` returns the content of an RGB JPEG as it is, if all is there."""
    return (
        _shrink(width, height) == 1
        and content.endswith(_END)
        and _XMP_ORIENTATION not in content
        and _exif_orientation(content) == 1
    )


def _read(
    source: Path | bytes,
    max_megapixels: int,
    use: Callable[[Image.Image, bytes], Result],
) -> Result:
    """What is made of a picture and its file."""
    content, suffix = _content_of(source, max_megapixels)

    formats = formats_to_try(suffix)
    errors = []
    for attempt in itertools.chain([content], with_fewer_metadata(content)):
        try:
            with Image.open(io.BytesIO(attempt), formats=formats) as picture:
                _check_size(picture, max_megapixels)
                return use(picture, attempt)
        except BrokenImageError:
            raise
        except Exception as error:  # Pillow's decoders raise almost any exception.
            errors.append(error)
    raise BrokenImageError(_reason(errors[0], content)) from errors[0]


def _content_of(source: Path | bytes, max_megapixels: int) -> tuple[bytes, str | None]:
    """The bytes of a file, and the suffix of its name if it has a name."""
    most = max_megapixels * 10**6 * _MOST_BYTES_A_PIXEL
    try:
        content = source if isinstance(source, bytes) else _read_up_to(source, most)
    except OSError as error:
        raise BrokenImageError(f"it can't be opened: {error.strerror}") from error
    if content is None:
        raise BrokenImageError(
            f"it has more than {most / 1e6:,.0f} megabytes, and data.max_megapixels is "
            f"{max_megapixels}"
        )
    if not content:
        raise BrokenImageError("it is empty")
    return content, None if isinstance(source, bytes) else source.suffix


def _read_up_to(file: Path, most: int) -> bytes | None:
    """The bytes of a file, or `None` if they are more: it may have no end."""
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > most:
            return None
        # What is no file on a disk has no size.
        content = opened.read() if size else opened.read(most + 1)
        return content if len(content) <= most else None


def _check_size(picture: Image.Image, max_megapixels: int) -> None:
    megapixels = picture.width * picture.height / 1e6
    if megapixels > max_megapixels:
        raise BrokenImageError(
            f"it has {megapixels:,.1f} megapixels, and data.max_megapixels is "
            f"{max_megapixels}"
        )


def _as_array(picture: Image.Image, _: bytes) -> np.ndarray:
    return np.asarray(_upright_rgb(picture))


def _as_jpeg(picture: Image.Image, content: bytes) -> bytes:
    shrink = _shrink(picture.width, picture.height)
    is_rgb = picture.format in ("JPEG", "MPO") and picture.mode == "RGB"
    if is_rgb and shrink == 1 and _orientation(picture) == 1:
        # TensorFlow insists on the mark of the end, behind all of the pixels.
        whole = content if content.endswith(_END) else content + _END
        if _can_be_decoded(whole):
            # Whether all of it is there shows at an eighth of the size as well.
            picture.draft("RGB", (1, 1))
            picture.load()
            return whole
    rgb = _upright_rgb(picture)
    target = io.BytesIO()
    (rgb.reduce(shrink) if shrink > 1 else rgb).save(target, "JPEG", quality=95)
    return target.getvalue()


def _can_be_decoded(content: bytes) -> bool:
    """Whether TensorFlow can read a JPEG, which at times is more particular."""
    try:
        tf.io.decode_jpeg(content, ratio=8)
    except tf.errors.OpError:
        return False
    return True


def _shrink(width: int, height: int) -> int:
    """The factor by which a picture is made smaller."""
    return max(
        math.ceil(math.sqrt(width * height / KEPT_PIXELS)),
        math.ceil(max(width, height) / _KEPT_SIDE),
    )


def _upright_rgb(picture: Image.Image) -> Image.Image:
    # A TIFF is turned while it is loaded, and then says that it is upright.
    picture.load()
    turn = _TURNS.get(_orientation(picture))
    rgb = to_rgb(picture)
    return rgb if turn is None else rgb.transpose(turn)


def _exif_orientation(content: bytes) -> int | None:
    """What the metadata of a JPEG say of it; `None` if that is not plain."""
    begin = content.find(_EXIF)
    if begin < 0:
        return 1
    (length,) = struct.unpack_from(">H", content, begin - 2)
    exif = Image.Exif()
    try:
        exif.load(content[begin : begin + length - 2])
        return int(exif.get(_ORIENTATION, 1))
    except Exception:  # They are broken.
        return None


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # It is metadata, and they are broken.
        return 1


def _reason(error: Exception, content: bytes) -> str:
    if isinstance(error, MemoryError):
        return "there is not enough memory to read it"
    if isinstance(error, UnidentifiedImageError):
        form = told_format(content)
        if form is None:
            return "it is not a picture"
        return why_unsupported(form) or f"it is damaged, or no {form} that can be read"
    text = str(error).strip().rstrip(".") or type(error).__name__
    return f"it is damaged: {text}"
