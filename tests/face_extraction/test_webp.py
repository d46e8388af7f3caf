"""Damage to the pixels of a WebP."""

import io

import numpy as np
import pytest
from PIL import Image

from face_extraction.images import Unreadable, read_bytes_rgb
from face_extraction.webp import is_torn

KINDS = ({"quality": 80}, {"lossless": True}, {"quality": 80, "alpha_quality": 60})


def webp(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", **options)
    return file.getvalue()


@pytest.fixture
def picture() -> Image.Image:
    """Grain over a slope."""
    grain = np.random.default_rng(0).normal(0, 12, (256, 256, 3))
    slope = np.linspace(40, 200, 256)[:, None, None]
    return Image.fromarray(np.clip(grain + slope, 0, 255).astype(np.uint8))


def refused(content: bytes) -> bool:
    try:
        read_bytes_rgb(content, "a")
    except Unreadable as error:
        return "damaged" in error.detail
    return False


@pytest.mark.parametrize("options", KINDS[:2])
@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
def test_zeros_in_place_of_the_rest_are_damage(picture, options, part):
    content = webp(picture, **options)
    at = int(part * len(content))

    assert not refused(content)
    assert refused(content[:at] + bytes(len(content) - at))
    assert refused(content[:at])


def test_almost_any_wrong_byte_of_lossy_pixels_is_damage(picture):
    content = webp(picture, **KINDS[0])
    whole = read_bytes_rgb(content, "a")
    missed = 0
    for at in range(400, len(content) - 300, 97):
        changed = content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        missed += not refused(changed) and not np.array_equal(read_bytes_rgb(changed, "a"), whole)

    assert missed <= len(content) // 97 // 10


def test_a_zeroed_sector_of_lossless_pixels_is_damage(picture):
    content = webp(picture, **KINDS[1])

    assert [refused(content[:at] + bytes(512) + content[at + 512 :]) for at in range(4096, 40960, 4096)] == [
        True
    ] * 9


def test_damage_to_the_opacity_is_told(picture):
    picture.putalpha(Image.fromarray(np.random.default_rng(1).integers(0, 255, (256, 256), dtype=np.uint8)))
    content = webp(picture, **KINDS[2])
    at = content.index(b"ALPH") + 4000

    assert not refused(content)
    assert refused(content[:at] + bytes(2000) + content[at + 2000 :])


@pytest.mark.parametrize("options", [{}, {"quality": 100, "method": 0}, {"lossless": True}, {"quality": 0}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (17, 3), (2000, 1000)])
def test_a_flat_picture_is_whole(options, mode, size):
    for colour in ("black", "white"):
        assert not is_torn(webp(Image.new(mode, size, colour), **options))


def test_zeros_at_the_end_that_the_decoder_needs_are_no_damage_wherever_they_begin():
    content = webp(Image.new("RGB", (2000, 1000)), quality=100, method=0)
    assert content.endswith(bytes(4096))
    for count in range(0, 512, 32):
        # What stands before the pixels moves them.
        chunk = b"ICCP" + count.to_bytes(4, "little") + bytes(count)
        assert not is_torn(content[:12] + chunk + content[12:])


def test_the_end_of_another_file_is_damage(picture):
    content, longer = webp(picture, **KINDS[0]), webp(picture.rotate(90), quality=100)
    assert len(longer) > len(content) + 100

    for at in range(2000, len(content) - 200, 999):
        assert refused(content[:at] + longer[at:]), at


def test_what_stands_behind_is_no_damage(picture):
    for options in KINDS:
        for more in ({}, {"exif": b"x" * 999}):
            assert not refused(webp(picture, **options, **more) + b"more" * 99)
