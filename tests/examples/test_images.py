"""Any picture file becomes RGB with the right colours, or is named as broken."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fruits import formats
from fruits.formats import formats_by_suffix, is_picture, why_unreadable
from fruits.images import BrokenImageError, jpeg, read_rgb
from tests.examples.picture_files import encoded, with_segment
from tests.once import once

pytestmark = once
RED, GREEN, WHITE = (200, 30, 30), (30, 180, 40), (255, 255, 255)


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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_all_orientations_are_applied(form: str, orientation: int) -> None:
    upright = np.zeros((8, 16, 3), np.uint8)
    upright[:4, :8], upright[:4, 8:], upright[4:, :8] = RED, GREEN, WHITE
    back = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    picture = Image.fromarray(np.ascontiguousarray(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 98, "subsampling": 0},
        "WEBP": {"lossless": True},
    }
    content = encoded(picture, form, exif=exif, **options.get(form, {}))
    read = read_rgb(content)
    assert read.shape == upright.shape
    assert near(read, upright, 12)
    with Image.open(io.BytesIO(jpeg(content))) as kept:
        assert near(np.asarray(kept)[::7, ::5], upright[::7, ::5], 40)


def chunk(name: bytes, content: bytes, checksum: int | None = None) -> bytes:
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
    )


def png_with(extra: bytes) -> bytes:
    content = encoded(plain(), "PNG")
    return content[:33] + extra + content[33:]


def jpeg_with(kind: int, extra: bytes, length: int | None = None) -> bytes:
    return with_segment(encoded(plain(), "JPEG", quality=95), kind, extra, length)


def tiff_ifd(*entries: tuple[int, int, int, int]) -> bytes:
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body


BROKEN_METADATA = {
    "PNG text with a wrong sum": png_with(chunk(b"tEXt", b"Title\0apple", 1)),
    "PNG text without end": png_with(chunk(b"tEXt", b"Title")),
    "PNG text that unpacks to much": png_with(
        chunk(b"zTXt", b"Title\0\0" + zlib.compress(bytes(100_000_000)))
    ),
    "PNG international text": png_with(chunk(b"iTXt", b"\xff\0\1\0\0\0garbage")),
    "PNG profile": png_with(chunk(b"iCCP", b"name\0\0garbage")),
    "PNG profile with a wrong sum": png_with(chunk(b"iCCP", b"name\0\0garbage", 7)),
    "PNG EXIF": png_with(chunk(b"eXIf", b"II*\0\xff\xff\xff\xff")),
    "PNG size without numbers": png_with(chunk(b"pHYs", b"\0")),
    "PNG gamma": png_with(chunk(b"gAMA", b"")),
    "PNG unknown": png_with(chunk(b"teSt", b"?" * 99, 3)),
    "PNG of an animation": png_with(chunk(b"acTL", b"\0")),
    "EXIF of garbage": jpeg_with(0xE1, b"Exif\0\0" + b"\xff" * 40),
    "EXIF cut": jpeg_with(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12"),
    "EXIF of no byte": jpeg_with(0xE1, b"Exif\0\0"),
    "EXIF that points out of it": jpeg_with(
        0xE1, tiff_ifd((0x0112, 3, 1, 1), (0x8769, 4, 1, 99999), (0x010F, 2, 500, 9000))
    ),
    "EXIF orientation 9": jpeg_with(0xE1, tiff_ifd((0x0112, 3, 1, 9))),
    "EXIF orientation of text": jpeg_with(0xE1, tiff_ifd((0x0112, 2, 4, 0x41414141))),
    "EXIF resolution of 0 / 0": jpeg_with(
        0xE1, tiff_ifd((0x0128, 3, 1, 2), (0x011A, 5, 1, 38)) + bytes(40)
    ),
    "XMP": jpeg_with(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta tiff:Orient\xff"),
    "JPEG profile": jpeg_with(0xE2, b"ICC_PROFILE\0\x02\x05garbage"),
    "MPO": jpeg_with(0xE2, b"MPF\0II*\0\x08\0\0\0\x01\0garbage"),
    "MPO without pictures": jpeg_with(0xE2, b"MPF\0"),
    "Photoshop": jpeg_with(0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\0\0"),
    "a comment": jpeg_with(0xFE, b"\xff\xfe\0"),
    "JFIF that is short": jpeg_with(0xE0, b"JFIF\0"),
    "Adobe that is short": jpeg_with(0xEE, b"Adobe"),
    "WebP EXIF": encoded(plain(), "WEBP", lossless=True, exif=b"Exif\0\0garbage"),
    "WebP profile": encoded(plain(), "WEBP", lossless=True, icc_profile=b"garbage"),
}


@pytest.mark.filterwarnings("error::UserWarning:PIL")
@pytest.mark.parametrize("name", BROKEN_METADATA)
def test_broken_metadata_do_not_break_a_picture(name: str) -> None:
    content = BROKEN_METADATA[name]
    assert near(read_rgb(content)[6, 8], RED)
    with Image.open(io.BytesIO(jpeg(content))) as kept:
        assert near(kept.convert("RGB").getpixel((8, 6)), RED)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_orientation_survives_other_metadata_that_are_broken(form: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(plain(), form, exif=exif)
    broken = b"\xff\xe0\0\x07JFIF\0" if form == "JPEG" else chunk(b"tEXt", b"", 1)
    start = 2 if form == "JPEG" else 33
    content = content[:start] + broken + content[start:]
    assert read_rgb(content).shape == (16, 12, 3)


def test_first_page_and_first_frame_are_taken() -> None:
    other = Image.new("RGB", (16, 12), GREEN)
    for form in ("GIF", "WEBP", "PNG", "TIFF", "MPO"):
        both = encoded(plain(), form, save_all=True, append_images=[other])
        assert near(read_rgb(both)[6, 8], RED), form
        with Image.open(io.BytesIO(jpeg(both))) as kept:
            assert near(kept.getpixel((8, 6)), RED), form


NOISE = Image.effect_noise((90, 90), 80).convert("RGB")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"this is a list of fruit\n" * 20, "not a picture"),
        (b"\xff\xd8\xff\xe0 half", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "pillow-heif|damaged"),
        (b"RIFF\xff\0\0\0WEBPVP8 ", "damaged"),
    ],
    ids=["empty", "text", "start of a jpeg", "start of a png", "heic", "start of webp"],
)
def test_broken_files_are_named_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(BrokenImageError, match=reason):
        read_rgb(content)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("MPO", {}),
        ("PNG", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
        ("JPEG2000", {}),
        ("AVIF", {}),
        ("PPM", {}),
    ],
)
def test_a_part_of_a_picture_is_broken(
    form: str, options: dict[str, Any], share: float
) -> None:
    whole = encoded(NOISE, form, **options)
    read_rgb(whole)
    for read in (read_rgb, jpeg):
        with pytest.raises(BrokenImageError, match="damaged"):
            read(whole[: int(share * len(whole))])


def test_size_is_judged_by_the_header_alone() -> None:
    large = struct.pack(">IIBBBBB", 50_000, 40_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", large) + chunk(b"IDAT", b"")
    with pytest.raises(
        BrokenImageError, match="2,000.0 megapixels.*data.max_megapixels"
    ):
        read_rgb(content)
    photo = encoded(Image.new("RGB", (1500, 1000), RED), "JPEG")
    with pytest.raises(BrokenImageError, match="megapixels is 1$"):
        jpeg(photo, max_megapixels=1)
    assert jpeg(photo, max_megapixels=2) == photo


@pytest.mark.parametrize("name", ["/dev/zero", "film.jpg", "pages.tif"])
def test_what_is_far_larger_than_a_picture_is_not_read(
    name: str, tmp_path: Path
) -> None:
    file = tmp_path / name
    if not file.exists():
        with file.open("wb") as opened:  # It takes no room on the disk.
            opened.truncate(10**12)
    with pytest.raises(BrokenImageError, match="8 megabytes.*max_megapixels is 1$"):
        read_rgb(file, max_megapixels=1)


def test_a_photo_of_120_megapixels_is_read_and_kept_smaller() -> None:
    photo = encoded(Image.new("L", (12_000, 10_000), 90), "JPEG", quality=30)
    with Image.open(io.BytesIO(jpeg(photo))) as kept:
        assert kept.size == (6_000, 5_000)
        assert near(kept.getpixel((9, 9)), (90, 90, 90))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.jpg", "PNG"),
        ("a.png", "JPEG"),
        ("a.JPEG", "WEBP"),
        ("a", "JPEG"),
        ("a.tmp", "PNG"),
        ("a.jpg_large", "JPEG"),
        ("a.jpg!d", "WEBP"),
        ("a.txt", "GIF"),
        ("a.cr2", "JPEG"),
        ("a.dat", "BMP"),
        ("a.image", "TIFF"),
        ("a.heic", "JPEG"),
        ("a.unknown", "AVIF"),
        ("a.unknown", "JPEG2000"),
    ],
)
def test_the_content_says_what_a_file_is(name: str, form: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(encoded(plain(), form))
    assert is_picture(tmp_path / name)
    assert why_unreadable(tmp_path / name) is None
    assert near(read_rgb(tmp_path / name)[6, 8], RED, 25)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"a list", "not a picture"),
        ("a.csv", b"BMW,12\n", "not a picture"),
        ("a.xml", b"<annotation/>", "not a picture"),
        ("a", b"", "not a picture"),
        ("a.NEF", b"II*\0" + bytes(99), "raw file"),
        ("a.CR2", b"II*\0\x10\0\0\0CR\2", "raw file"),
        ("a.dng", b"MM\0*" + bytes(99), "raw file"),
        ("a.CR3", b"\0\0\0\x18ftypcrx ", "raw file"),
        ("a.svg", b"<svg/>", "svg is a format that can't be read"),
        ("a.eps", b"%!PS-Adobe", "eps is a format that can't be read"),
        ("a.pdf", b"%PDF-1.7", "pdf is a format that can't be read"),
        ("a.zip", b"PK\3\4", "unpacked"),
        ("a.mp4", b"\0\0\0\x18ftypmp42", "not a picture"),
    ],
)
def test_what_is_no_picture_to_read_is_told_why(
    name: str, content: bytes, reason: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert reason in (why_unreadable(tmp_path / name) or "")


@pytest.mark.parametrize("name", ["a.HEIC", "a.heif", "a.hif", "a.jpg"])
def test_heic_says_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = {".jpg": "JPEG", ".png": "PNG"}
    monkeypatch.setattr(formats, "formats_by_suffix", lambda: without)
    file = tmp_path / name
    file.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    if name != "a.jpg":  # Which shows only when it is read.
        assert "pip install pillow-heif" in (why_unreadable(file) or "")
    with pytest.raises(BrokenImageError, match="pip install pillow-heif"):
        read_rgb(file)


@pytest.mark.parametrize("name", ["a.avif", "a.AVIF", "a.jpg"])
def test_avif_says_what_to_install(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = encoded(plain(), "AVIF")
    monkeypatch.setattr(formats, "formats_by_suffix", lambda: {".jpg": "JPEG"})
    file = tmp_path / name
    file.write_bytes(content)
    assert is_picture(file)
    if name != "a.jpg":
        assert "newer Pillow" in (why_unreadable(file) or "")
    with pytest.raises(BrokenImageError, match="newer Pillow"):
        read_rgb(file)


def test_heic_is_read_where_pillow_heif_is(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    assert formats_by_suffix()[".heic"] == "HEIF"
    (tmp_path / "a.jpg").write_bytes(encoded(plain(), "HEIF", quality=100))
    assert near(read_rgb(tmp_path / "a.jpg")[6, 8], RED)


def test_noise_is_no_picture_of_a_format_without_a_mark(tmp_path: Path) -> None:
    targa = encoded(plain(), "TGA")
    (tmp_path / "a.jpg").write_bytes(targa)
    with pytest.raises(BrokenImageError, match="not a picture"):
        read_rgb(tmp_path / "a.jpg")
    (tmp_path / "a.tga").write_bytes(targa)
    assert near(read_rgb(tmp_path / "a.tga")[6, 8], RED)


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


def test_a_jpeg_without_its_mark_of_the_end_can_be_read_by_tensorflow() -> None:
    import tensorflow as tf

    for size in range(16, 60, 4):
        content = encoded(NOISE.crop((0, 0, size, size)), "JPEG")[:-2]
        try:
            kept = jpeg(content)
        except BrokenImageError:
            continue
        assert tf.io.decode_jpeg(kept).shape == (size, size, 3)
