"""HEIC photos: all tiles, upright, or one line that names what to install."""

import builtins
import io

import numpy as np
import pytest
from PIL import Image

from face_extraction import images
from face_extraction.heif import is_heic
from face_extraction.images import NoImage, Unreadable, read_bytes_rgb

pillow_heif = pytest.importorskip("pillow_heif", reason="pip install '.[heic]'")


def _encode(rgb, **options):
    out = io.BytesIO()
    heif = pillow_heif.from_pillow(Image.fromarray(rgb))
    heif.save(out, quality=90, **options)
    return out.getvalue()


@pytest.fixture
def quarters():
    """Four quarters, each of its own brightness."""
    rgb = np.zeros((384, 512, 3), np.uint8)
    for row, column, value in ((0, 0, 40), (0, 1, 100), (1, 0, 160), (1, 1, 220)):
        rgb[192 * row : 192 * (row + 1), 256 * column : 256 * (column + 1)] = value
    return rgb


def test_all_tiles_are_put_together(quarters):
    content = _encode(quarters, tile_size=128)
    assert b"grid" in content

    rgb = read_bytes_rgb(content, "a.heic")

    assert rgb.shape == quarters.shape
    assert np.abs(rgb.astype(int) - quarters).max() < 12


@pytest.mark.parametrize(
    ("primaries", "curve", "code", "shown"),
    [(9, 16, 148, 255), (9, 18, 191, 255), (1, 13, 148, 148)],  # diffuse white in PQ and HLG; sRGB
)
def test_hdr_is_shown_as_on_an_sdr_display(primaries, curve, code, shown):
    grey = np.full((64, 64, 3), code, np.uint8)
    content = _encode(grey, color_primaries=primaries, transfer_characteristics=curve)

    assert read_bytes_rgb(content, "a.hif").mean() == pytest.approx(shown, abs=5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_containers_orientation_is_applied_once(quarters, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = _encode(quarters, exif=exif.tobytes())
    upright = {
        1: quarters,
        2: quarters[:, ::-1],
        3: quarters[::-1, ::-1],
        4: quarters[::-1],
        5: quarters.transpose(1, 0, 2),
        6: np.rot90(quarters, -1),
        7: quarters[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(quarters),
    }[orientation]

    rgb = read_bytes_rgb(content, "a.heic")

    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).max() < 12


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_grey_and_transparent_pictures_are_read(quarters, mode):
    image = Image.fromarray(quarters).convert(mode)
    if mode == "RGBA":
        image.putalpha(0)

    rgb = read_bytes_rgb(_encode(np.asarray(image)), "a.heic")

    expected = quarters if mode == "L" else np.full_like(quarters, 255)
    assert np.abs(rgb.astype(int) - expected).max() < 12


@pytest.mark.parametrize("mode", ["RGBA", "RGBa"])
def test_half_opaque_colours_lie_over_white_whether_they_are_multiplied_or_not(mode):
    colours = [200, 100, 40] if mode == "RGBA" else [100, 50, 20]
    pixels = np.full((64, 64, 4), [*colours, 128], np.uint8)
    file = io.BytesIO()
    pillow_heif.from_bytes(mode, (64, 64), pixels.tobytes()).save(file, quality=95, chroma=444)

    rgb = read_bytes_rgb(file.getvalue(), "a.heic")

    assert np.abs(rgb.astype(int) - (227, 177, 147)).max() < 6


def test_half_a_file_is_refused_in_a_line(quarters):
    content = _encode(quarters)

    with pytest.raises(Unreadable) as error:
        read_bytes_rgb(content[: len(content) // 2], "a.heic")

    assert not isinstance(error.value, NoImage)
    assert error.value.detail.startswith("HEIC that is damaged, or of a kind that is not read (")
    assert "\n" not in str(error.value)


def test_a_missing_package_is_named(quarters, monkeypatch):
    content = _encode(quarters)
    load = builtins.__import__

    def missing(name, *args):
        if name == "pillow_heif":
            raise ImportError(name)
        return load(name, *args)

    monkeypatch.setattr(builtins, "__import__", missing)

    with pytest.raises(Unreadable, match=r"pip install '\.\[heic\]'") as error:
        read_bytes_rgb(content, "a.heic")
    assert not isinstance(error.value, NoImage)
    assert error.value.reason == "failed"


@pytest.mark.parametrize(
    ("brands", "heic"),
    [
        (b"heic\0\0\0\0mif1", True),
        (b"mif1\0\0\0\0heic", True),
        (b"mif1\0\0\0\0avif", False),
        (b"avif\0\0\0\0mif1", False),
        (b"isom\0\0\0\0mp42", False),
        (b"qt  \0\0\0\0qt  ", False),
    ],
)
def test_brands_tell_heic_from_avif_and_videos(brands, heic):
    assert is_heic((len(brands) + 8).to_bytes(4) + b"ftyp" + brands) is heic


def test_a_very_large_photo_is_made_smaller(quarters, monkeypatch):
    monkeypatch.setattr(images, "MAX_WHOLE", 128 * 96)
    small = read_bytes_rgb(_encode(quarters), "a.heic")
    assert small.shape == (96, 128, 3)
    assert [small[24, 32, 0], small[24, 96, 0], small[72, 32, 0], small[72, 96, 0]] == pytest.approx(
        [40, 100, 160, 220], abs=6
    )
