"""Any picture file becomes RGB with the right colours, or is named as broken."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fruits.images import BrokenImageError, jpeg, read_rgb

RED, GREEN, WHITE = (200, 30, 30), (30, 180, 40), (255, 255, 255)


def encoded(picture: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def near(pixel: Any, colour: Any, tolerance: int = 12) -> bool:
    return bool(np.all(np.abs(np.asarray(pixel, int) - colour) <= tolerance))


def plain(mode: str = "RGB") -> Image.Image:
    return Image.new("RGB", (16, 12), RED).convert(mode)


@pytest.mark.parametrize(
    "content",
    [
        encoded(plain(), "JPEG"),
        encoded(plain("CMYK"), "JPEG"),
        encoded(plain().quantize(), "PNG"),
        encoded(plain(), "WEBP", lossless=True),
        encoded(
            plain(), "GIF", save_all=True, append_images=[Image.new("RGB", (16, 12))]
        ),
    ],
    ids=["jpeg", "cmyk", "palette", "webp", "animated"],
)
def test_colours_survive_the_conversion(content: bytes) -> None:
    picture = read_rgb(content)
    assert picture.shape == (12, 16, 3)
    assert picture.dtype == np.uint8
    assert near(picture[6, 8], RED)


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    values = np.full((4, 4), 32768, np.uint16)
    picture = read_rgb(encoded(Image.fromarray(values), "PNG"))
    assert near(picture[0, 0], (127, 127, 127), 2)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    picture = Image.new("RGBA", (8, 8), (0, 0, 0, 0)).convert(mode)
    assert near(read_rgb(encoded(picture, "PNG"))[4, 4], WHITE, 0)


def test_transparent_palette_entry_is_laid_on_white() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    content = encoded(picture, "GIF", transparency=1)
    assert near(read_rgb(content)[4, 4], WHITE, 0)


def test_orientation_of_the_camera_is_applied() -> None:
    picture = Image.new("RGB", (16, 8), RED)
    picture.paste(GREEN, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned = read_rgb(encoded(picture, "JPEG", exif=exif, quality=95))
    assert turned.shape == (16, 8, 3)
    assert near(turned[2, 4], GREEN, 25)
    assert near(turned[13, 4], RED, 25)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a list of fruit\n" * 20, "not a picture"),
        (encoded(Image.effect_noise((90, 90), 80), "JPEG")[:2000], "damaged"),
        (encoded(Image.effect_noise((90, 90), 80), "PNG")[:2000], "damaged"),
    ],
    ids=["empty", "text", "truncated jpeg", "truncated png"],
)
def test_broken_files_are_named_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenImageError, match=reason):
        read_rgb(content)


def test_missing_file_is_broken_too(tmp_path: Path) -> None:
    with pytest.raises(BrokenImageError, match="opened"):
        read_rgb(tmp_path / "none.jpg")


def test_a_plain_jpeg_is_kept_byte_for_byte_and_others_become_one() -> None:
    content = encoded(plain(), "JPEG", quality=70)
    assert jpeg(content) == content
    for other in (encoded(plain("CMYK"), "JPEG"), encoded(plain(), "PNG")):
        with Image.open(io.BytesIO(jpeg(other))) as converted:
            assert (converted.format, converted.mode) == ("JPEG", "RGB")
            assert near(converted.getpixel((8, 6)), RED)
