"""Files are kept as they are, or not, as Pillow would have it, and can be decoded.

Pillow looks at every file that is not told fast; what is told fast must be what Pillow
would have said.
"""

import os
import random
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fruits.images import BrokenImageError, jpeg, read_rgb
from fruits.tree import File
from fruits.whole_jpegs import whole_jpegs
from tests.examples.picture_files import encoded, with_segment
from tests.once import once

pytestmark = [once, pytest.mark.filterwarnings("ignore::UserWarning:PIL")]

NOISE = Image.fromarray(
    np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)
)
LIMIT = 1
XMP = (
    b"http://ns.adobe.com/xap/1.0/\0<rdf:Description "
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
)


def noise(**options: Any) -> bytes:
    return encoded(NOISE, "JPEG", **options)


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return noise(exif=exif)


PLAIN = noise()
KEPT = {
    "baseline": PLAIN,
    "progressive": noise(progressive=True),
    "RGB in it": noise(keep_rgb=True),
    "restarts": noise(restart_marker_rows=1),
    "comment": noise(comment=b"an apple"),
    "several pictures": encoded(NOISE, "MPO"),
    "upright by EXIF": turned(1),
    "broken EXIF": with_segment(PLAIN, 0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
    "profile": noise(icc_profile=b"x" * 3000),
    "one pixel": encoded(Image.new("RGB", (1, 1)), "JPEG"),
    # Viewers show a grey part as well.
    "a half with its end": PLAIN[: len(PLAIN) // 2] + b"\xff\xd9",
}
OTHERS = {
    "turned by EXIF": turned(6),
    "turned by EXIF behind a comment": with_segment(turned(8), 0xFE, b"an apple"),
    "turned by XMP": with_segment(PLAIN, 0xE1, XMP),
    "grey": encoded(NOISE.convert("L"), "JPEG"),
    "CMYK": encoded(NOISE.convert("CMYK"), "JPEG"),
    "too large": encoded(Image.new("RGB", (1001, 1000)), "JPEG"),
    "no mark of the end": PLAIN[:-2],
    "something behind it": PLAIN + b"\r\n",
    "a half": PLAIN[: len(PLAIN) // 2],
    # TensorFlow does not read a picture whose height is told again; Pillow does.
    "a mark in the middle": PLAIN[:1004] + b"\xff\xdc" + PLAIN[1006:],
    "text": b"<html></html>",
    "PNG": encoded(NOISE, "PNG"),
    "nothing": b"",
}


def file_at(path: str | Path, size: int = 0) -> File:
    return File(str(path), size, 0)


def as_told(folder: Path, contents: Iterable[bytes]) -> list[tuple[bytes | None, Path]]:
    """What the fast way says of files, and the files."""
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{number}.jpg")
        paths[-1].write_bytes(content)
    told = list(whole_jpegs([file_at(path) for path in paths], LIMIT))
    return list(zip(told, paths, strict=True))


def test_what_is_kept_and_what_is_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told = as_told(tmp_path, [*KEPT.values(), *OTHERS.values()])
    # Of a folder of PNGs the decoder would print a line each.
    assert "Not a JPEG" not in capfd.readouterr().err
    names = [*KEPT, *OTHERS]
    taken = {
        name: content
        for name, (content, _) in zip(names, told, strict=True)
        if content is not None
    }
    assert list(taken) == list(KEPT)
    assert taken == KEPT
    for name, content in KEPT.items():
        assert jpeg(content) == content, name


def test_what_is_too_large_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four gigapixels of one colour are a file of 40 MB, and gigabytes of memory."""
    decode, decoded = tf.io.decode_jpeg, []

    def note(content: bytes) -> np.int64:
        decoded.append(content)
        return np.int64(0)

    def noted(content: tf.Tensor, **options: Any) -> tf.Tensor:
        with tf.control_dependencies([tf.numpy_function(note, [content], tf.int64)]):
            return decode(content, **options)

    monkeypatch.setattr(tf.io, "decode_jpeg", noted)
    told = as_told(tmp_path, [OTHERS["too large"], PLAIN])
    assert [content for content, _ in told] == [None, PLAIN]
    assert decoded == [PLAIN]


def test_random_damage_is_judged_as_by_pillow(tmp_path: Path) -> None:
    rng = random.Random(0)

    def damaged(content: bytes) -> bytes:
        broken, place = bytearray(content), rng.randrange(3, len(content))
        match rng.randrange(5):
            case 0:
                broken[place] = rng.randrange(256)
            case 1:
                del broken[place : place + rng.randrange(1, 400)]
            case 2:
                broken[place:] = b"\xff\xd9"
            case 3:
                broken[place:place] = rng.randbytes(rng.randrange(1, 40))
            case 4:
                broken[place : place + 2] = b"\xff" + rng.randbytes(1)
        return bytes(broken)

    kinds = [*KEPT.values(), OTHERS["grey"], OTHERS["turned by EXIF"]]
    told = as_told(tmp_path, (damaged(rng.choice(kinds)) for _ in range(600)))
    kept = [(content, path) for content, path in told if content is not None]
    assert len(kept) > 100
    refused = 0
    for content, path in kept:
        assert content == path.read_bytes()
        assert tf.io.decode_jpeg(content).shape[2] == 3
        try:
            assert jpeg(path) == content
        except BrokenImageError:
            refused += 1
    # Both decode with one library, and disagree about one in a thousand.
    assert refused < 0.02 * len(kept)


def test_whatever_is_stored_can_be_decoded() -> None:
    content = OTHERS["a mark in the middle"]
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.io.decode_jpeg(content)
    stored = tf.io.decode_jpeg(jpeg(content)).numpy().astype(float)
    seen = read_rgb(content).astype(float)
    # It is encoded once more; of noise that is not much.
    assert np.abs(stored - seen).mean() < 10


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.jpg", b"a\nb.jpg", b"gs:", b"\xc3\xa4 %20"]
)
def test_any_name(name: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = os.fsdecode(name)
    Path(place).write_bytes(PLAIN)
    assert list(whole_jpegs([file_at(place)], LIMIT)) == [PLAIN]


def test_files_that_have_gone_and_no_files(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    shutil.copy(__file__, tmp_path / "no.jpg")
    (tmp_path / "yes.jpg").write_bytes(PLAIN)
    places = [gone, tmp_path, tmp_path / "yes.jpg", tmp_path / "no.jpg"]
    files = [file_at(place) for place in places]
    assert list(whole_jpegs(files, LIMIT)) == [None, None, PLAIN, None]
    # Of what is larger than any photo, not even the beginning is read.
    large = [file_at(place, 10**9) for place in places]
    assert list(whole_jpegs([*large, files[2]], LIMIT)) == [None] * 4 + [PLAIN]
    assert list(whole_jpegs([], LIMIT)) == []
