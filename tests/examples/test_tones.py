"""Pictures of every mode that Pillow opens become RGB with their tones.

A picture that is black or inverted trains as well as any, to a worse result.
"""

import io
import struct
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from fruits.images import read_rgb
from fruits.tones import to_rgb
from tests.once import once

pytestmark = once
SIDE = 16
# From black to white, from left to right.
RAMP = np.tile(np.linspace(0, 1, SIDE), (SIDE, 1))
COLOURS = Image.merge(
    "RGB",
    [
        Image.fromarray(np.round(255 * part).astype(np.uint8))
        for part in (RAMP, RAMP.T, np.full((SIDE, SIDE), 0.4))
    ],
)


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


def tiff(
    values: np.ndarray, bits: int, photometric: int = 1, order: Literal["<", ">"] = "<"
) -> bytes:
    """A grey TIFF, made by hand: Pillow writes only some of those it reads."""
    height, width = values.shape
    if bits == 12:
        flat = values.astype(int).reshape(-1, 2)
        packed = [
            bytes((a >> 4, (a & 15) << 4 | b >> 8, b & 255)) for a, b in flat.tolist()
        ]
        data = b"".join(packed)
    else:
        data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    formats = {"u": 1, "i": 2, "f": 3}
    entries = [
        *((256, width), (257, height), (258, bits), (259, 1), (262, photometric)),
        *((273, 8), (277, 1), (278, height), (279, len(data))),
        (339, formats[values.dtype.kind]),
    ]
    directory = struct.pack(f"{order}H", len(entries))
    for tag, value in entries:
        directory += struct.pack(f"{order}HHII", tag, 4, 1, value)
    head = b"II*\0" if order == "<" else b"MM\0*"
    offset = struct.pack(f"{order}I", 8 + len(data))
    return head + offset + data + directory + bytes(4)


def ramp(white: float, dtype: Any) -> np.ndarray:
    return (RAMP * white).astype(dtype)


GREY: dict[str, Callable[[], bytes]] = {
    "L": lambda: saved(Image.fromarray(ramp(255, np.uint8)), "PNG"),
    "16-bit PNG": lambda: saved(Image.fromarray(ramp(65535, np.uint16)), "PNG"),
    "16-bit TIFF": lambda: tiff(ramp(65535, np.uint16), 16),
    "16-bit TIFF of a Mac": lambda: tiff(ramp(65535, np.uint16), 16, order=">"),
    "16-bit TIFF, white is zero": lambda: tiff(65535 - ramp(65535, np.uint16), 16, 0),
    "8-bit TIFF, white is zero": lambda: tiff(255 - ramp(255, np.uint8), 8, 0),
    "12-bit TIFF": lambda: tiff(ramp(4095, np.uint16), 12),
    "32-bit TIFF to 65535": lambda: tiff(ramp(65535, np.int32), 32),
    "32-bit TIFF to 255": lambda: tiff(ramp(255, np.int32), 32),
    "32-bit TIFF to a million": lambda: tiff(ramp(1e6, np.int32), 32),
    "float TIFF to 1": lambda: tiff(ramp(1, np.float32), 32),
    "float TIFF to 255": lambda: tiff(ramp(255, np.float32), 32),
    "float TIFF to 65535": lambda: tiff(ramp(65535, np.float32), 32),
    "float TIFF around 0": lambda: tiff(ramp(6, np.float32) - 3, 32),
    "float TIFF of a Mac": lambda: tiff(ramp(1, np.float32), 32, order=">"),
    "16-bit PGM": lambda: (
        b"P5 16 16 65535\n" + ramp(65535, np.uint16).astype(">u2").tobytes()
    ),
    "10-bit PGM": lambda: (
        b"P5 16 16 1023\n" + ramp(1023, np.uint16).astype(">u2").tobytes()
    ),
    "16-bit JPEG 2000": lambda: saved(
        Image.fromarray(ramp(65535, np.uint16)), "JPEG2000"
    ),
    "LA": lambda: saved(Image.fromarray(ramp(255, np.uint8)).convert("LA"), "PNG"),
    "grey JPEG": lambda: saved(
        Image.fromarray(ramp(255, np.uint8)), "JPEG", quality=100
    ),
}


@pytest.mark.parametrize("name", GREY)
def test_grey_keeps_its_tones(name: str) -> None:
    picture = read_rgb(GREY[name]()).astype(int)
    assert np.abs(picture - 255 * RAMP[..., None]).max() <= 3


def test_a_dark_sixteen_bit_picture_stays_dark() -> None:
    dark = np.full((4, 4), 200, np.uint16)
    assert read_rgb(saved(Image.fromarray(dark), "PNG")).max() <= 1
    assert read_rgb(b"P5 4 4 65535\n" + dark.astype(">u2").tobytes()).max() <= 1


def test_values_that_are_none_are_black() -> None:
    values = ramp(1, np.float32)
    values[0, 0] = np.nan
    values[0, -1] = np.inf
    picture = read_rgb(tiff(values, 32))
    assert (picture[0, 0, 0], picture[0, -1, 0], picture[5, -1, 0]) == (0, 255, 255)
    assert read_rgb(tiff(np.zeros((4, 4), np.float32), 32)).max() == 0


@pytest.mark.parametrize(
    "mode", ["RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"]
)
def test_colours_survive_the_mode(mode: str) -> None:
    if mode == "LAB":
        from PIL import ImageCms

        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(COLOURS, *profiles, outputMode="LAB")
        assert picture is not None
    elif mode == "RGBa":
        picture = COLOURS.convert("RGBA").convert("RGBa")
    else:
        picture = COLOURS.convert(mode)
    difference = np.asarray(to_rgb(picture)).astype(int) - np.asarray(COLOURS)
    assert np.abs(difference).mean() <= 3
    # In 8 bits, LAB has no room for the most colourful ones.
    assert np.abs(difference).max() <= (40 if mode == "LAB" else 16)


@pytest.mark.parametrize(
    ("form", "options", "mode"),
    [
        ("TIFF", {}, "CMYK"),
        ("JPEG", {"quality": 98}, "CMYK"),
        ("JPEG", {"quality": 98, "subsampling": 0}, "YCbCr"),
        ("TIFF", {"compression": "tiff_adobe_deflate"}, "RGBX"),
        ("TIFF", {}, "RGBA"),
        ("WEBP", {"lossless": True}, "RGBA"),
        ("BMP", {}, "RGB"),
        ("JPEG2000", {}, "RGB"),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, "RGB"),
        ("PPM", {}, "RGB"),
        ("TGA", {}, "RGBA"),
        ("ICO", {"sizes": [(SIDE, SIDE)]}, "RGBA"),
    ],
)
def test_colours_survive_the_file(
    form: str, options: dict[str, Any], mode: str
) -> None:
    content = saved(COLOURS.convert(mode), form, **options)
    difference = read_rgb(content).astype(int) - np.asarray(COLOURS)
    assert np.abs(difference).max() <= 14


def test_sixteen_bit_colours_are_scaled() -> None:
    values = np.round(65535 * np.stack([RAMP, RAMP.T, 0.4 + 0 * RAMP], -1))
    header = f"P6 {SIDE} {SIDE} 65535\n".encode()
    picture = read_rgb(header + values.astype(">u2").tobytes()).astype(int)
    assert np.abs(picture - np.asarray(COLOURS)).max() <= 2


BLACK_AND_CLEAR = np.zeros((SIDE, SIDE), np.uint8)
BLACK_AND_CLEAR[:, SIDE // 2 :] = 1


def _indexed(mode: str = "P") -> Image.Image:
    """Black on the left, and red on the right."""
    picture = Image.fromarray(BLACK_AND_CLEAR, "L")
    picture = picture.convert("P")
    picture.putdata(BLACK_AND_CLEAR.ravel().tolist())
    picture.putpalette([0, 0, 0, 255, 0, 0])
    return picture.convert(mode) if mode != "P" else picture


@pytest.mark.parametrize(
    "content",
    [
        saved(_indexed(), "PNG", transparency=1),
        saved(_indexed(), "PNG", transparency=b"\xff\x00"),
        saved(_indexed(), "GIF", transparency=1),
        saved(_indexed("RGB"), "PNG", transparency=(255, 0, 0)),
        saved(Image.fromarray(BLACK_AND_CLEAR * 200), "PNG", transparency=200),
        saved(
            Image.fromarray(BLACK_AND_CLEAR.astype(np.uint16) * 40_000),
            "PNG",
            transparency=40_000,
        ),
        saved(Image.fromarray(BLACK_AND_CLEAR.astype(bool)), "PNG", transparency=255),
    ],
    ids=["P", "P of bytes", "GIF", "RGB", "L", "16 bits", "1"],
)
def test_what_is_transparent_is_white(content: bytes) -> None:
    picture = read_rgb(content)
    assert picture[3, 3].tolist() == [0, 0, 0]
    assert picture[3, -3].tolist() == [255, 255, 255]


def test_premultiplied_and_palette_with_alpha() -> None:
    for mode in ("PA", "La", "RGBa"):
        clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
        if mode == "PA":
            picture = clear.convert("P").convert("PA")
            picture.putalpha(0)
        else:
            picture = clear.convert({"La": "LA", "RGBa": "RGBA"}[mode]).convert(mode)
        assert picture.mode == mode
        assert np.asarray(to_rgb(picture)).min() == 255


def test_one_bit_is_black_and_white() -> None:
    picture = Image.fromarray(BLACK_AND_CLEAR.astype(bool))
    for form in ("PNG", "TIFF", "BMP"):
        read = read_rgb(saved(picture, form))
        assert (read[0, 0].max(), read[0, -1].min()) == (0, 255)
