"""Pictures of every mode of Pillow as RGB, with their tones."""

import numpy as np
from PIL import Image

_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_WHITE_IS_ZERO = 0


def to_rgb(picture: Image.Image) -> Image.Image:
    """Returns a picture as RGB, transparency laid on white."""
    # "I;16B" and others; Pillow would clip them at 255 instead of scaling them.
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        picture = _grey(picture)
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[picture.mode])
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _grey(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture).astype(np.float32)
    low, high = _range(picture, values)
    tones = np.nan_to_num((values - low) / (high - low), nan=0.0).clip(0, 1)
    # Pillow inverts such TIFFs only where they have 8 bits or fewer.
    if _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        tones = 1 - tones
    if "transparency" in picture.info:  # The value of a PNG that is laid on white.
        tones[values == picture.info["transparency"]] = 1
    return Image.fromarray(np.round(tones * 255).astype(np.uint8))


def _range(picture: Image.Image, values: np.ndarray) -> tuple[float, float]:
    """What is black and what is white, as far as the file or the values tell."""
    if picture.mode.startswith("I;"):
        bits = _tag(picture, _BITS_PER_SAMPLE)
        return 0.0, float(2 ** (bits if bits else 16) - 1)
    if picture.format == "PPM" and picture.mode == "I":
        return 0.0, 65535.0
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    whites = (255.0, 65535.0) if picture.mode == "I" else (1.0, 255.0, 65535.0)
    for white in whites:
        if low >= 0 and high <= white:
            return 0.0, white
    return float(low), float(high) if high > low else float(low) + 1.0


def _tag(picture: Image.Image, number: int) -> int | None:
    """A tag of a TIFF with one channel; `None` if it is none, or lacks it."""
    value = getattr(picture, "tag_v2", {}).get(number)
    return value[0] if isinstance(value, tuple) else value
