"""What is a readable photo, and what is not."""

import errno
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from face_extraction import images
from face_extraction.images import MAX_PIXELS, Unreadable, read_bytes_rgb, read_rgb, resize, write_image


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _write_black_png(path: Path, side: int) -> None:
    """A one-bit black PNG: huge in pixels, small in bytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    content = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", content) + _chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_photos_come_back_as_they_were(noise, kind):
    rgb = read_bytes_rgb(_encode(Image.fromarray(noise), kind), "x")

    assert rgb.dtype == np.uint8
    assert np.array_equal(rgb, noise)


@pytest.mark.parametrize(("kind", "loss"), [("JPEG", 6), ("WEBP", 6)])
def test_channels_of_lossy_photos_are_red_green_blue(kind, loss):
    flat = np.full((32, 32, 3), (200, 100, 50), np.uint8)

    rgb = read_bytes_rgb(_encode(Image.fromarray(flat), kind, quality=95), "x")

    assert np.abs(rgb.astype(int) - flat).max() <= loss


def test_exif_orientation_is_applied(noise):
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by 90 degrees clockwise for viewing.

    rgb = read_bytes_rgb(_encode(Image.fromarray(noise), "PNG", exif=exif), "x")

    assert np.array_equal(rgb, np.rot90(noise, -1))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (20, 20), 100), (100, 100, 100)),
        (Image.new("1", (20, 20), 1), (255, 255, 255)),
        (Image.new("RGB", (20, 20), (100, 50, 7)).quantize(4), (100, 50, 7)),
        (Image.new("RGBA", (20, 20), (100, 50, 7, 255)), (100, 50, 7)),
        (Image.new("RGBA", (20, 20), (100, 50, 7, 0)), (255, 255, 255)),
        (Image.new("LA", (20, 20), (0, 51)), (204, 204, 204)),
        (Image.fromarray(np.full((20, 20), 0x80FF, np.uint16)), (128, 128, 128)),
    ],
    ids=["grey", "one bit", "palette", "opaque", "clear is white", "a fifth of black", "16 bit"],
)
def test_every_mode_becomes_rgb(image, expected):
    rgb = read_bytes_rgb(_encode(image, "PNG"), "x")

    assert rgb.shape == (20, 20, 3)
    assert tuple(rgb[3, 4]) == expected


def test_16_bit_grey_keeps_its_range():
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16) * 256

    rgb = read_bytes_rgb(_encode(Image.fromarray(ramp), "PNG"), "x")

    assert np.array_equal(rgb[:, :, 0].ravel(), np.arange(256))


def _cases(noise: np.ndarray) -> dict[str, bytes]:
    jpeg = _encode(Image.fromarray(noise), "JPEG", quality=95)
    png = _encode(Image.fromarray(noise), "PNG")
    middle = len(png) // 2
    return {
        "empty": b"",
        "text": b"this is no picture\n" * 20,
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "JPEG less its end": jpeg[:-2],
        "header of a JPEG": jpeg[:30],
        "half a PNG": png[:middle],
        "damaged PNG": png[:middle] + bytes([png[middle] ^ 255]) + png[middle + 1 :],
        "GIF": _encode(Image.fromarray(noise), "GIF"),
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "floating point": _encode(Image.fromarray(np.full((20, 20), 0.5, np.float32)), "TIFF"),
        "32 bits": _encode(Image.fromarray(np.full((20, 20), 200, np.int32)), "TIFF"),
    }


@pytest.mark.parametrize("case", _cases(np.zeros((8, 8, 3), np.uint8)))
def test_what_is_not_a_whole_photo_is_unreadable(tmp_path, noise, case):
    path = tmp_path / "face.jpg"
    path.write_bytes(_cases(noise)[case])

    with pytest.raises(Unreadable, match=r"face\.jpg: \w+") as error:
        read_rgb(path)

    assert error.value.reason == "unreadable"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "detail"), [("absent.jpg", "No such file"), (".", "Is a directory")])
def test_what_cannot_be_opened_is_unreadable(tmp_path, name, detail):
    with pytest.raises(Unreadable, match=detail):
        read_rgb(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_what_the_system_cannot_read_is_failed_and_not_unreadable(noise, tmp_path, monkeypatch, number):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(number, os.strerror(number))

    write_image(tmp_path / "a.png", noise)
    monkeypatch.setattr(images, "open_file", lambda path: Failing((tmp_path / "a.png").read_bytes()))

    for read in (images.read_rgb, images.read_content):
        with pytest.raises(Unreadable, match=os.strerror(number)) as error:
            read(tmp_path / "a.png")
        assert error.value.reason == "failed"


def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(Unreadable, match="not a file") as error:
        read_rgb(tmp_path / "a.jpg")
    assert error.value.reason == "unreadable"


def test_truncation_is_seen_although_another_library_switched_that_off(noise, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # As importing face_recognition does.
    jpeg = _encode(Image.fromarray(noise), "JPEG")

    with pytest.raises(Unreadable, match="truncated"):
        read_bytes_rgb(jpeg[: len(jpeg) // 2], "half.jpg")


def test_a_small_file_of_a_billion_pixels_is_refused_before_it_takes_memory(tmp_path):
    path = tmp_path / "bomb.png"
    _write_black_png(path, 32_000)
    assert path.stat().st_size < 150_000
    code = (
        "import resource, sys; from pathlib import Path; from face_extraction.images import *\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try: read_rgb(Path(sys.argv[1]))\n"
        "except Unreadable as error: print(error.detail)\n"
        "print(peak() - before)\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)

    detail, kilobytes = done.stdout.splitlines()
    assert detail == f"more than {MAX_PIXELS:,} pixels"
    assert int(kilobytes) < 20_000
    assert done.stderr == ""


def test_the_limit_is_ours_not_only_pillows(noise, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 40 * 60 - 1)

    with pytest.raises(Unreadable, match="more than"):
        read_bytes_rgb(_encode(Image.fromarray(noise), "PNG"), "x")


def test_resize_averages_when_it_shrinks_and_keeps_flat_colours():
    checks = np.zeros((64, 64, 3), np.uint8)
    checks[::2, ::2] = checks[1::2, 1::2] = 200

    assert np.all(resize(checks, 32) == 100)
    assert np.all(resize(np.full((20, 20, 3), 77, np.uint8), 50) == 77)


def test_resize_makes_a_square_and_leaves_one_of_that_size_alone(noise):
    assert resize(noise, 30).shape == (30, 30, 3)
    square = noise[:40, :40]
    assert resize(square, 40) is square


def test_png_crops_are_lossless(tmp_path, noise):
    write_image(tmp_path / "a.png", noise, "png")

    assert np.array_equal(read_rgb(tmp_path / "a.png"), noise)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_jpeg_quality_acts(tmp_path, noise):
    write_image(tmp_path / "good.jpg", noise, "jpg", 95)
    write_image(tmp_path / "poor.jpg", noise, "jpg", 20)

    assert (tmp_path / "poor.jpg").stat().st_size < (tmp_path / "good.jpg").stat().st_size / 2
    assert (tmp_path / "poor.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_an_encoder_that_fails_is_not_believed(tmp_path, noise, monkeypatch):
    monkeypatch.setattr(cv2, "imencode", lambda *_: (False, np.zeros(0, np.uint8)))

    with pytest.raises(ValueError, match="cannot be encoded"):
        write_image(tmp_path / "a.png", noise, "png")

    assert not list(tmp_path.iterdir())
