"""Reading any picture file as RGB, or saying why it can't be read."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# 16-bit pictures: Pillow clips them at 255 instead of scaling them.
_SIXTEEN_BIT_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N")


class BrokenImageError(ValueError):
    """A file that is no picture, or only a part of one; says why."""


def read_rgb(source: Path | bytes) -> np.ndarray:
    """Reads a picture file.

    CMYK, palette, grey and 16-bit pictures are converted, transparency is laid on
    white, of an animation the first frame is taken, and the camera's orientation is
    applied.

    Args:
        source: A path, or the bytes of a file.

    Returns:
        An array (height, width, 3) of uint8.

    Raises:
        BrokenImageError: If the file can't be read as a picture.
    """
    return np.asarray(_open_rgb(_bytes(source)))


def jpeg(source: Path | bytes) -> bytes:
    """Returns a picture file as RGB JPEG: its own bytes if that is what it is.

    Args:
        source: A path, or the bytes of a file.

    Raises:
        BrokenImageError: If the file can't be read as a picture.
    """
    content = _bytes(source)
    picture = _open_rgb(content)
    with Image.open(io.BytesIO(content)) as original:
        turned = original.getexif().get(0x0112, 1) != 1
        if original.format == "JPEG" and original.mode == "RGB" and not turned:
            return content
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=95)
    return target.getvalue()


def _bytes(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise BrokenImageError(f"it can't be opened: {error.strerror}") from error


def _open_rgb(content: bytes) -> Image.Image:
    if not content:
        raise BrokenImageError("it is empty")
    try:
        with warnings.catch_warnings():
            # Pillow warns of pictures that are suspiciously large; so are broken ones.
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content)) as picture:
                picture.seek(0)
                picture.load()
                return _to_rgb(ImageOps.exif_transpose(picture))
    except Exception as error:  # Pillow's decoders raise almost any exception.
        raise BrokenImageError(_reason(error)) from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in _SIXTEEN_BIT_MODES:
        values = np.asarray(picture, np.float32)
        picture = Image.fromarray((values / 65535.0 * 255.0).clip(0, 255).astype("u1"))
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not a picture"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return "it is too large to be a photo"
    text = str(error).strip().rstrip(".") or type(error).__name__
    return f"it is damaged: {text}"
