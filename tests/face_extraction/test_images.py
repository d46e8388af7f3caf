"""What is a readable photo, and what is not."""

import base64
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
from PIL import Image, ImageCms, ImageFile, ImageOps, PngImagePlugin

from face_extraction import images
from face_extraction.frames import read_frames
from face_extraction.images import (
    MAX_PIXELS,
    Animated,
    NoImage,
    Unreadable,
    check_rgb,
    read_bytes_rgb,
    read_rgb,
    resize,
    write_image,
)


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
    slow = _encode(Image.fromarray(noise), "JPEG", progressive=True)
    png = _encode(Image.fromarray(noise), "PNG")
    middle = len(png) // 2
    return {
        "empty": b"",
        "text": b"this is no picture\n" * 20,
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "JPEG less its last row": jpeg[:-9],
        "JPEG, the rest zeros": jpeg[: len(jpeg) // 2] + bytes(len(jpeg) // 2),
        "half a progressive JPEG": slow[: len(slow) // 2],
        "header of a JPEG": jpeg[:30],
        "half a PNG": png[:middle],
        "damaged PNG": png[:middle] + bytes([png[middle] ^ 255]) + png[middle + 1 :],
        "animated GIF": _encode(
            Image.fromarray(noise), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40))]
        ),
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


@pytest.mark.parametrize("tags", [{254: 1}, {50706: b"\1\4\0\0"}])
def test_the_small_preview_of_a_raw_photo_is_not_taken_for_the_photo(noise, tags):
    content = _encode(Image.fromarray(noise), "TIFF", tiffinfo=tags)

    with pytest.raises(Unreadable, match="raw photo") as error:
        read_bytes_rgb(content, "a.dng")

    assert not isinstance(error.value, NoImage)


@pytest.mark.parametrize(
    "head",
    [b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1", b"II*\0\x10\0\0\0CR\2\0",
     b"II\x1a\0\0\0HEAPCCDR", b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"FOVb\0\0\2\0"],
)  # fmt: skip
def test_the_preview_in_a_raw_photo_of_any_maker_is_not_taken_for_the_photo(tmp_path, noise, head):
    (tmp_path / "a.jpg").write_bytes(head + bytes(80) + _encode(Image.fromarray(noise), "JPEG") + bytes(80))

    for read in (read_rgb, lambda path: list(read_frames(path))):
        with pytest.raises(Unreadable, match="a raw photo") as error:
            read(tmp_path / "a.jpg")
        assert not isinstance(error.value, NoImage)


@pytest.mark.parametrize("alpha", [0, 255, 128])
def test_a_bmp_whose_transparency_is_empty_is_shown(alpha):
    """Windows' clipboard and many programs leave it at 0."""
    pixels = bytes([50, 100, 200, alpha]) * (20 * 30)
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, 30, 20, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    head += masks + b"BGRs" + bytes(48)
    content = b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels

    rgb = read_bytes_rgb(content, "x")

    shown = (200, 100, 50) if alpha in (0, 255) else (227, 177, 152)
    assert rgb.reshape(-1, 3).min(axis=0).tolist() == pytest.approx(shown, abs=1)


def test_a_picture_that_cannot_be_read_is_still_called_by_its_kind(noise):
    avif = _encode(Image.fromarray(noise), "AVIF")
    tiff = _encode(Image.fromarray(noise), "TIFF")
    rgb, mosaic = (struct.pack("<HHIHH", 262, 3, 1, kind, 0) for kind in (2, 32803))
    assert rgb in tiff

    for kind, content in (("AVIF", avif[:40]), ("TIFF", tiff.replace(rgb, mosaic))):
        with pytest.raises(Unreadable, match=f"^x: {kind} that is damaged") as error:
            read_bytes_rgb(content, "x")
        assert not isinstance(error.value, NoImage)


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


def _with_crop(avif: bytes, *numbers: int) -> bytes:
    """The file with a crop in place of its picture's last property."""
    content = bytearray(avif)
    pixels = content.index(b"mdat") + 4
    end = content.index(b"ipma") - 4
    at, number = content.index(b"ipco") + 4, 1
    while at < end:
        at, number = at + int.from_bytes(content[at : at + 4]), number + 1
    content[end:end] = struct.pack(">I4s8i", 40, b"clap", *numbers)
    for kind in (b"meta", b"iprp", b"ipco"):
        at = content.index(kind) - 4
        content[at : at + 4] = struct.pack(">I", int.from_bytes(content[at : at + 4]) + 40)
    item = content.index(b"ipma") + 14
    content[item + content[item]] = 0x80 | number
    at = content.index(struct.pack(">I", pixels), content.index(b"iloc"))
    content[at : at + 4] = struct.pack(">I", pixels + 40)
    return bytes(content)


@pytest.mark.parametrize(
    ("numbers", "part"),
    [
        ((20, 1, 30, 1, -10, 1, 5, 1), np.s_[10:40, 10:30]),
        ((40, 2, 40, 1, 20, 1, 0, 1), np.s_[0:40, 40:60]),
        ((60, 1, 41, 1, 0, 1, 0, 1), np.s_[:, :]),
        ((60, 0, 40, 1, 0, 1, 0, 1), np.s_[:, :]),
    ],
)
def test_the_crop_of_an_avif_is_applied(numbers, part):
    squares = np.kron(np.arange(24, dtype=np.uint8).reshape(4, 6) * 10, np.ones((10, 10), np.uint8))
    content = _with_crop(_encode(Image.fromarray(squares), "AVIF", quality=95), *numbers)

    rgb = read_bytes_rgb(content, "x")

    assert rgb.shape[:2] == squares[part].shape
    assert np.abs(rgb[:, :, 0].astype(int) - squares[part]).max() < 16


def test_damaged_exif_of_an_avif_does_not_matter(noise):
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    exif[0x0112] = 6
    content = _encode(Image.fromarray(noise), "AVIF", exif=exif.tobytes())
    damaged = content.replace(exif.tobytes()[6:14], b"nonsense")
    plain = Image.Exif()
    plain[0x0112] = 6
    assert b"nonsense" in damaged

    rgb = read_bytes_rgb(damaged, "x")

    assert rgb.shape == (60, 40, 3)
    assert np.array_equal(rgb, read_bytes_rgb(_encode(Image.fromarray(noise), "AVIF", exif=plain), "x"))


def _with_chunk(png: bytes, kind: bytes, content: bytes, *, damaged: bool = False) -> bytes:
    """A PNG with one more chunk behind its header."""
    chunk = _chunk(kind, content)
    return png[:33] + (chunk[:-1] + bytes([chunk[-1] ^ 1]) if damaged else chunk) + png[33:]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # As images.py has it, which pytest overrides.
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize("exif", [b"Exif\0\0" + b"garbage!" * 8, b"Exif\0\0Exif\0\0MM\0*\0\0\0\x08"])
def test_damaged_exif_does_not_matter(noise, kind, exif):
    whole = _encode(Image.fromarray(noise), kind, lossless=True)

    rgb = read_bytes_rgb(_encode(Image.fromarray(noise), kind, lossless=True, exif=exif), "x")

    assert np.array_equal(rgb, read_bytes_rgb(whole, "x"))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"tEXt", b"a\0" + b"x" * 70_000_000),
        (b"zTXt", b"workflow\0\0" + zlib.compress(b"x" * 3_000_000)),
        (b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"x" * 3_000_000)),
        (b"iCCP", b"a\0\0" + zlib.compress(np.random.default_rng(1).bytes(1_200_000))),
        (b"iCCP", b"a\0\7nonsense"),
        (b"prVt", b"x" * 5),
        (b"eXIf", b"nonsense"),
    ],
)
@pytest.mark.parametrize("damaged", [False, True])
def test_what_stands_beside_the_pixels_of_a_png_does_not_matter(noise, kind, content, damaged):
    png = _with_chunk(_encode(Image.fromarray(noise), "PNG"), kind, content, damaged=damaged)

    assert np.array_equal(read_bytes_rgb(png, "x"), noise)


def test_a_damaged_resolution_of_a_png_does_not_matter(noise):
    png = bytearray(_encode(Image.fromarray(noise), "PNG", dpi=(72, 72)))
    png[png.find(b"pHYs") + 5] ^= 1

    assert np.array_equal(read_bytes_rgb(bytes(png), "x"), noise)


@pytest.mark.parametrize("mode", ["RGB", "P", "LA"])
def test_no_flipped_bit_of_a_png_gives_other_pixels(mode):
    smooth = np.tile(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], (40, 1, 3))
    image = Image.fromarray(smooth).convert("RGB").convert(mode)
    png = _encode(image, "PNG", **({"transparency": 3} if mode == "P" else {}))
    expected = read_bytes_rgb(png, "x")
    refused = []
    for at in range(8, len(png)):
        for bit in (0, 5):
            flipped = png[:at] + bytes([png[at] ^ 1 << bit]) + png[at + 1 :]
            try:
                assert np.array_equal(read_bytes_rgb(flipped, "x"), expected), (at, bit)
            except Unreadable as error:
                refused.append(error)
    assert len(refused) > len(png) // 2
    assert not [error.detail for error in refused if isinstance(error, NoImage)]


def test_a_png_without_its_last_chunk_is_read(noise):
    png = _encode(Image.fromarray(noise), "PNG")

    assert np.array_equal(read_bytes_rgb(png[:-12], "x"), noise)
    with pytest.raises(Unreadable, match="truncated"):
        read_bytes_rgb(png[:-17], "x")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}]
)
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_end_marker_is_read(noise, options, lost):
    jpeg = _encode(Image.fromarray(noise), "JPEG", **options)

    assert np.array_equal(read_bytes_rgb(jpeg[:-lost], "x"), read_bytes_rgb(jpeg, "x"))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_with_a_hole_is_damaged(options):
    grain = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    content = _encode(Image.fromarray(grain), "JPEG", **options)
    middle = len(content) // 2

    read_bytes_rgb(content, "x")
    with pytest.raises(Unreadable, match="damaged JPEG"):
        read_bytes_rgb(content[:middle] + content[middle + 5000 :], "x")


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"subsampling": 1}])
@pytest.mark.parametrize("interval", [{"restart_marker_blocks": 3}, {"restart_marker_rows": 1}])
def test_a_jpeg_cut_where_a_restart_marker_was_is_refused(mode, options, interval):
    """A decoder begins anew at these markers, and fills up what is missing before the next one."""
    grain = Image.fromarray(np.random.default_rng(0).integers(0, 256, (75, 97, 3), dtype=np.uint8))
    content = _encode(grain.convert(mode), "JPEG", **options, **interval)
    marks = [at for at in range(len(content)) if content[at] == 0xFF and 0xD0 <= content[at + 1] <= 0xD7]
    assert len(marks) > 3

    assert read_bytes_rgb(content, "x").shape == (75, 97, 3)
    for at in marks[:: len(marks) // 4]:
        for end in (b"", b"\xff\xd9", bytes(100)):
            with pytest.raises(Unreadable, match=r"damaged|truncated"):
                read_bytes_rgb(content[:at] + end, "x")


def test_a_progressive_jpeg_with_zeroed_sectors_is_damaged():
    grain = np.random.default_rng(0).normal(0, 12, (480, 640, 3)) + np.linspace(40, 200, 480)[:, None, None]
    picture = Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))
    content = _encode(picture, "JPEG", progressive=True, quality=85)

    for at in range(1024, len(content) - 4096, 1024):
        with pytest.raises(Unreadable, match="damaged"):
            read_bytes_rgb(content[:at] + bytes(2048) + content[at + 2048 :], "x")


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("colour", ["black", "white", (10, 200, 30)])
def test_a_flat_jpeg_is_whole(options, colour):
    rgb = read_bytes_rgb(_encode(Image.new("RGB", (3000, 2000), colour), "JPEG", **options), "x")

    assert (rgb == rgb[0, 0]).all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_what_stands_behind_a_jpeg_is_no_damage(noise, mode):
    image = Image.fromarray(noise).convert(mode)
    content = _encode(image, "JPEG", quality=95)

    for more in (b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 9, _encode(image, "JPEG"), b"\xff" * 99):
        assert np.array_equal(read_bytes_rgb(content + more, "x"), read_bytes_rgb(content, "x"))


def test_zeros_behind_a_whole_jpeg_do_not_matter(noise):
    jpeg = _encode(Image.fromarray(noise), "JPEG")

    for tail in (bytes(5000), b"more" + bytes(500)):
        assert np.array_equal(read_bytes_rgb(jpeg + tail, "x"), read_bytes_rgb(jpeg, "x"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_orientation_is_applied_as_pillow_does(kind, orientation):
    corner = np.full((32, 48, 3), 255, np.uint8)
    corner[:8, :16] = 0
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = _encode(Image.fromarray(corner), kind, exif=exif, quality=90)

    rgb = read_bytes_rgb(content, "x")

    with Image.open(io.BytesIO(content)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() < 30


def test_a_still_gif_is_a_photo(noise):
    with Image.open(io.BytesIO(_encode(Image.fromarray(noise), "GIF"))) as image:
        expected = np.asarray(image.convert("RGB"))

    assert np.array_equal(read_bytes_rgb(_encode(Image.fromarray(noise), "GIF"), "x"), expected)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_no_photo(noise, kind):
    second = Image.fromarray(noise[::-1])

    with pytest.raises(Animated, match="an animation of 2 pictures"):
        read_bytes_rgb(_encode(Image.fromarray(noise), kind, save_all=True, append_images=[second]), "x")


def test_a_colour_profile_is_applied(noise):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    swapped = _swapped_profile()
    plain = Image.new("RGB", (8, 8), (200, 30, 30))

    assert tuple(read_bytes_rgb(_encode(plain, "PNG", icc_profile=swapped), "x")[0, 0]) != (200, 30, 30)
    for useless in (profile.tobytes(), b"nonsense" * 40):
        assert tuple(read_bytes_rgb(_encode(plain, "PNG", icc_profile=useless), "x")[0, 0]) == (200, 30, 30)


def _tagged(kind: str, code: tuple[int, ...], primaries: int, curve: int) -> bytes:
    """A photo of one colour whose file names its primaries and curve, by H.273."""
    info = PngImagePlugin.PngInfo()
    info.add(b"cICP", bytes([primaries, curve, 0, 1]))
    options = {"pnginfo": info} if kind == "PNG" else {"quality": 95, "subsampling": "4:4:4"}
    content = _encode(Image.new("RGB", (16, 16), code), kind, **options)
    if kind == "PNG":
        return content
    at = content.index(b"colrnclx") + 8
    return content[:at] + struct.pack(">2H", primaries, curve) + content[at + 4 :]


@pytest.mark.parametrize("kind", ["PNG", "AVIF"])
def test_photos_of_hdr_and_wide_primaries_are_shown_as_on_an_sdr_display(kind):
    # Diffuse white in PQ and HLG (ITU-R BT.2408), sRGB's red in P3, and a fifth of white's light.
    for tags, code, shown in (
        ((9, 16), (148, 148, 148), (255, 255, 255)),
        ((9, 18), (191, 191, 191), (255, 255, 255)),
        ((12, 13), (234, 51, 35), (255, 0, 0)),
        ((1, 13), (148, 90, 40), (148, 90, 40)),
        ((1, 8), (51, 51, 51), (123, 123, 123)),
    ):
        rgb = read_bytes_rgb(_tagged(kind, code, *tags), "x")

        assert np.abs(rgb.astype(int) - shown).max() <= 8


def _swapped_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged, under sRGB's name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")


def _grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey, by ICC.1:2010: a white point and a curve."""
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma)) + bytes(2)
    tags = (
        struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, 16)
    )
    head = bytes(4) + bytes(4) + b"\2\x20\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    content = head + tags + white + curve
    return struct.pack(">I", len(content)) + content[4:]


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_the_profile_of_grey_counts_with_transparency_too(mode):
    image = Image.new("L", (8, 8), 64).convert(mode)

    dark, plain = (
        read_bytes_rgb(_encode(image, "PNG", icc_profile=_grey_profile(gamma)), "x")[0, 0, 0]
        for gamma in (3.5, 2.2)
    )

    assert dark < plain - 20
    assert abs(int(plain) - 64) < 5


def test_colours_are_brought_to_srgb_before_they_are_laid_over_white():
    """The light of black, half opaque over white, does not depend on the colours' gamma."""
    black = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    content = _with_chunk(_encode(black, "PNG"), b"gAMA", struct.pack(">I", 100_000))
    profile = _encode(black, "PNG", icc_profile=_swapped_profile())
    half = Image.new("RGBA", (8, 8), (64, 64, 64, 128))
    linear = _with_chunk(_encode(half, "PNG"), b"gAMA", struct.pack(">I", 100_000))

    assert {tuple(read_bytes_rgb(one, "x")[0, 0].tolist()) for one in (content, profile)} == {(127, 127, 127)}
    # 64 of linear light is 136 in sRGB; half of it and half of white.
    assert read_bytes_rgb(linear, "x")[0, 0, 0] == pytest.approx((136 + 255) / 2, abs=2)


def _grey_png(values: np.ndarray, depth: int, *chunks: bytes) -> bytes:
    """A grey PNG of 2 or 4 bits whose width is divisible by 4."""
    packed = np.zeros(values.shape, np.uint8)[:, :: 8 // depth]
    for place in range(8 // depth):
        packed |= values[:, place :: 8 // depth] << (8 - depth * (place + 1))
    head = struct.pack(">IIBBBBB", *values.shape[::-1], depth, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in packed)
    body = (
        _chunk(b"IHDR", head) + b"".join(chunks) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("depth", [2, 4])
def test_the_transparent_grey_of_few_bits_is_white(depth):
    values = np.tile(np.arange(2**depth, dtype=np.uint8), (3, 4))

    rgb = read_bytes_rgb(_grey_png(values, depth, _chunk(b"tRNS", b"\0\1")), "x")

    assert np.array_equal(rgb[:, :, 0], np.where(values == 1, 255, values * (255 // (2**depth - 1))))


def test_the_transparent_colour_of_16_bits_is_not_its_neighbour():
    colours = np.full((4, 4, 3), (0x1234, 0x5678, 0x9ABC), ">u2")
    colours[2:] = (0x1235, 0x5678, 0x9ABC)
    rows = b"".join(b"\0" + row.tobytes() for row in colours)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)),
        (b"tRNS", colours[0, 0].tobytes()),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )

    rgb = read_bytes_rgb(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks), "x")

    assert rgb[:, 0].tolist() == [[255, 255, 255]] * 2 + [[0x12, 0x56, 0x9A]] * 2


# No writer at hand knows arithmetic codes: cjpeg -grayscale -quality 60 -arithmetic made this one.
ARITHMETIC = base64.b85decode(
    b"|JeWA07C!`2?`4e2n`Dg3l0tq4-+626A}^=CmbFZATB8}FfJ)AEHgSvJ~K8(H!LkcS3yQhPEu1+GCo>iT2Nq0QBqI;"
    b"$p8xo02lxu0Ra&J|I7de01yxb|Jncu0RaF2KLGy#rGLhB{{Z=rA3sdfH^A-bi^ovfehAL3`3dO6CInM-bUHV-r&LzL"
    b"ZOHtJtgpma@A!XozV!E3hs`F4U5YFFGa8FZ%0a=J5rj1X8AC1ZEEd+76pD>t4sQa2OG&cV@g6UTMO)y1P>a_X63^HX"
    b"$Q3h#egD}"
)


def test_a_jpeg_in_arithmetic_codes_is_read_though_it_is_longer_than_pillows_pieces(monkeypatch):
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 64)
    expected = np.add.outer(np.arange(24) * 7, np.arange(32) * 5) % 256

    rgb = read_bytes_rgb(ARITHMETIC, "x")

    assert np.abs(rgb[:, :, 0].astype(int) - expected).mean() < 12
    with pytest.raises(Unreadable, match="truncated"):
        read_bytes_rgb(ARITHMETIC[:-40], "x")


def test_what_a_decoder_says_in_numbers_is_put_in_words(noise):
    content = _encode(Image.fromarray(noise), "TIFF", compression="tiff_adobe_deflate")

    with pytest.raises(Unreadable, match=r"^x: TIFF that is damaged, or of a kind that is not read \("):
        read_bytes_rgb(content.replace(b"\x78\x9c", b"\x00\x00", 1), "x")


def test_cmyk_is_read(noise):
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))

    red = read_bytes_rgb(_encode(cmyk, "JPEG"), "x")[4, 4]

    assert red[0] > 200
    assert red[1] < 60 > red[2]


def test_the_transparent_grey_of_a_16_bit_png_is_white():
    image = Image.fromarray(np.full((20, 20), 0x80FF, np.uint16))
    image.putpixel((3, 3), 0x1234)

    rgb = read_bytes_rgb(_with_chunk(_encode(image, "PNG"), b"tRNS", b"\x12\x34"), "x")

    assert (rgb[3, 3, 0], rgb[0, 0, 0]) == (255, 128)


@pytest.mark.parametrize(
    ("kind", "shape", "part"),
    [("JPEG", (100, 180), 8), ("PNG", (100, 180), 5), ("WEBP", (60, 90), 3)],
)
def test_a_very_large_photo_is_made_smaller(monkeypatch, kind, shape, part):
    monkeypatch.setattr(images, "MAX_WHOLE", 900)
    picture = np.full((*shape, 3), 50, np.uint8)
    picture[: shape[0] // 2] = 200

    photo = images._decode(io.BytesIO(_encode(Image.fromarray(picture), kind)), "x")

    assert photo.scale == pytest.approx(part, rel=0.03)
    assert photo.rgb.shape[0] == pytest.approx(shape[0] / part, abs=1)
    assert photo.rgb[2, 5, 0] == pytest.approx(200, abs=3)
    assert photo.rgb[-3, 5, 0] == pytest.approx(50, abs=3)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((9, 9, 3)),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((9, 9, 3), np.int64),
        np.zeros((3, 9, 9), np.uint8),
        np.zeros((1, 9, 9, 3), np.uint8),
        np.zeros((0, 9, 3), np.uint8),
        [[[0, 0, 0]]],
        "a.jpg",
    ],
)
def test_a_picture_in_memory_of_another_kind_is_refused(rgb):
    with pytest.raises((TypeError, ValueError), match=r"uint8 of shape \(H, W, 3\)\. Received"):
        check_rgb(rgb)


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


def _with_chunks(noise: np.ndarray, *chunks: tuple[bytes, bytes], end: bool = False) -> bytes:
    """A PNG with more chunks before its pixels, or behind them."""
    png = _encode(Image.fromarray(noise), "PNG")
    at = png.index(b"IEND" if end else b"IDAT") - 4
    return png[:at] + b"".join(_chunk(name, content) for name, content in chunks) + png[at:]


LINEAR = (b"gAMA", struct.pack(">I", 100_000))
ADOBE = (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))
SRGB = (b"sRGB", b"\0")
PROFILE = (
    b"iCCP",
    b"sRGB\0\0" + zlib.compress(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
)
NAMED = (b"cICP", b"\1\x0d\0\1")


@pytest.mark.parametrize(
    ("chunks", "converted"),
    [
        ([LINEAR], True),
        ([LINEAR, ADOBE], True),
        ([LINEAR, SRGB], False),
        ([SRGB, LINEAR, ADOBE], False),
        ([PROFILE, LINEAR], False),
        ([NAMED, LINEAR, ADOBE], False),
        ([ADOBE], False),
        ([(b"gAMA", struct.pack(">I", 45455))], False),
        ([(b"gAMA", b"\0\1")], False),
    ],
)
def test_the_gamma_of_a_png_counts_where_nothing_better_names_its_colours(noise, chunks, converted):
    rgb = read_bytes_rgb(_with_chunks(noise, *chunks), "x")

    assert np.array_equal(rgb, noise) is not converted
    if chunks == [LINEAR]:
        assert np.abs(rgb - 255 * (noise / 255) ** (1 / 2.2)).max() < 1


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_the_orientation_of_a_png_that_only_xmp_tells_is_applied(noise, packed, end):
    text = zlib.compress(XMP.encode()) if packed else XMP.encode()
    content = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0" + text

    rgb = read_bytes_rgb(_with_chunks(noise, (b"iTXt", content), end=end), "x")

    assert np.array_equal(rgb, np.rot90(noise, -1))


def test_exif_tells_the_orientation_before_xmp_does(noise):
    exif = Image.Exif()
    exif[0x0112] = 3
    chunks = [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode()), (b"eXIf", exif.tobytes()[6:])]

    assert np.array_equal(read_bytes_rgb(_with_chunks(noise, *chunks), "x"), noise[::-1, ::-1])


@pytest.mark.parametrize(
    "content",
    [
        b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(5_000_000)),
        b"XML:com.adobe.xmp\0\1\0\0\0no zlib",
        b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 2_000_000,
        b"XML:com.adobe.xmp\0",
        b"Comment\0\0\0\0\0" + XMP.encode(),
    ],
)
def test_texts_of_a_png_that_tell_no_orientation_do_not_matter(noise, content):
    assert np.array_equal(read_bytes_rgb(_with_chunks(noise, (b"iTXt", content)), "x"), noise)


@pytest.mark.parametrize(("mode", "interlaced"), [("RGB", 0), ("RGB", 1), ("L", 0), ("RGBA", 0)])
def test_a_png_of_fewer_rows_than_its_head_says_is_damaged(noise, mode, interlaced):
    image = Image.fromarray(noise).convert(mode)
    width, height = image.size
    pixels = np.asarray(image).reshape(height, width, -1)
    passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ]
    rows = [
        b"\0" + row.tobytes()
        for left, top, across, down in (passes if interlaced else [(0, 0, 1, 1)])
        for row in pixels[top::down, left::across]
    ]
    colour = {"L": 0, "RGB": 2, "RGBA": 6}[mode]
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, interlaced))
    end = _chunk(b"IEND", b"")

    def png(rows):
        return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", zlib.compress(b"".join(rows))) + end

    assert np.array_equal(read_bytes_rgb(png(rows), "a"), read_bytes_rgb(_encode(image, "png"), "a"))
    with pytest.raises(Unreadable, match="its last rows are missing"):
        read_bytes_rgb(png(rows[: len(rows) - 5]), "a")


@pytest.mark.parametrize("size", [(70, 50), (1, 1), (1, 2**20), (3000, 2000)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16"])
def test_a_black_png_is_whole(size, mode):
    content = _encode(Image.new(mode, size), "png")
    assert len(np.unique(read_bytes_rgb(content, "a"))) == 1


def test_a_progressive_jpeg_cut_between_two_scans_is_truncated(noise):
    content = _encode(Image.fromarray(noise), "jpeg", progressive=True)
    scans = [at for at in range(len(content)) if content.startswith(b"\xff\xda", at)]
    assert len(scans) > 4
    assert read_bytes_rgb(content[:-2], "a").shape == noise.shape

    for at in scans[1:]:
        with pytest.raises(Unreadable, match="truncated"):
            read_bytes_rgb(content[:at], "a")


@pytest.mark.parametrize("end", [b"", b"\xff", bytes(64)])
@pytest.mark.parametrize("last", [b"\xff\0", b"\0"])
def test_a_jpeg_without_an_end_marker_may_end_in_a_zero_of_its_own(noise, last, end):
    files = (
        _encode(Image.fromarray(noise[:, n:]), "jpeg", quality=q) for n in range(40) for q in range(5, 95, 3)
    )
    content = next(
        file[:-2] for file in files if file[:-2].endswith(last) and (last != b"\0" or file[-4] != 0xFF)
    )
    assert np.array_equal(read_bytes_rgb(content + end, "a"), read_bytes_rgb(content + b"\xff\xd9", "a"))


def test_a_cut_picture_behind_a_whole_progressive_one_does_not_matter(noise):
    content = _encode(Image.fromarray(noise), "jpeg", progressive=True)
    cut = content[: content.index(b"\xff\xda", len(content) // 2)]
    assert np.array_equal(read_bytes_rgb(content + cut + bytes(64), "a"), read_bytes_rgb(content, "a"))
