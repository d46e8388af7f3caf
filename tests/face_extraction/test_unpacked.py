"""Zeros in place of the last pixels of a picture that stores them as they are."""

import io

import numpy as np
import pytest
from PIL import Image

from face_extraction.images import Unreadable, read_bytes_rgb

GRAIN = np.random.default_rng(0).integers(1, 255, (300, 211, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray, kind: str, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_the_rest_of_a_broken_download_is_damage(kind, mode):
    content = encoded(GRAIN, kind, mode)
    read_bytes_rgb(content, "x")

    for part in (0.1, 0.5, 0.9):
        at = int(part * len(content)) // 512 * 512
        with pytest.raises(Unreadable, match="zeros in place of its last pixels"):
            read_bytes_rgb(content[:at] + bytes(len(content) - at), "x")


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
@pytest.mark.parametrize("width", [1, 128, 211, 512])
def test_black_parts_are_no_damage(kind, width):
    """Also where they begin at a sector, which every row of 512 bytes does."""
    grain = np.random.default_rng(0).integers(1, 255, (300, width, 3), dtype=np.uint8)
    for rows in range(1, 300, 7):
        for columns in (0, width // 2):
            picture = grain.copy()
            picture[:, columns:] = picture[:, columns:] * (columns == 0)
            # A BMP begins with the lowest row.
            picture[:-rows] = picture[:-rows] if kind == "TIFF" else 0
            picture[rows:] = picture[rows:] if kind == "BMP" else 0
            assert read_bytes_rgb(encoded(picture, kind, "L"), "x").shape == (300, width, 3)


def test_a_black_picture_is_no_damage():
    for kind in ("BMP", "TIFF"):
        for mode in ("1", "L", "P", "RGB"):
            assert not read_bytes_rgb(encoded(np.zeros((256, 512, 3), np.uint8), kind, mode), "x").any()
