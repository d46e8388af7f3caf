"""A GIF's pictures are those that browsers show."""

import struct

import numpy as np
import pytest

from face_extraction.frames import read_frames
from face_extraction.images import read_rgb

RED, GREEN, BLUE, WHITE = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
COLOURS = [(0, 0, 0), RED, GREEN, BLUE]


def _lzw(numbers):
    """Numbers of two bits, each as it is: a clear code before every one keeps the codes short."""
    bits = "".join(f"{number:03b}"[::-1] + "001" for number in numbers)  # 4 clears, 5 ends.
    bits = "001" + bits[:-3] + "101"
    bits += "0" * (-len(bits) % 8)
    content = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    blocks = [content[at : at + 255] for at in range(0, len(content), 255)]
    return b"\2" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def _part(place, number, after=None, clear=None, time=100):
    """A part of one colour; without `after`, nothing says what becomes of it."""
    left, top, right, bottom = place
    control = b""
    if after is not None or clear is not None:
        flags = (after or 0) << 2 | (clear is not None)
        control = b"!\xf9\4" + struct.pack("<BHBB", flags, time // 10, clear or 0, 0)
    numbers = [number] * ((right - left) * (bottom - top))
    frame = struct.pack("<4HB", left, top, right - left, bottom - top, 0)
    return control + b"," + frame + _lzw(numbers)


def _write(path, *parts, background=3, size=(16, 16)):
    table = bytes(value for colour in COLOURS for value in colour)
    head = struct.pack("<2HBBB", *size, 0x81, background, 0)
    path.write_bytes(b"GIF89a" + head + table + b"".join(parts) + b";")
    return path


def _colours(path):
    """The colours at the left, in the middle and at the right of each picture."""
    return [[tuple(frame.rgb[8, x].tolist()) for x in (1, 8, 14)] for frame in read_frames(path)]


WHOLE, LEFT, RIGHT, MIDDLE = (0, 0, 16, 16), (0, 0, 4, 16), (12, 0, 16, 16), (6, 4, 10, 12)


@pytest.mark.parametrize("background", [0, 3])
def test_what_is_cleared_is_transparent_whatever_the_background_is(tmp_path, background):
    parts = [_part(WHOLE, 1, after=1), _part(MIDDLE, 2, after=2), _part(LEFT, 2, after=1)]
    path = _write(tmp_path / "a.gif", *parts, background=background)

    assert _colours(path) == [[RED, RED, RED], [RED, GREEN, RED], [GREEN, WHITE, RED]]


def test_a_cleared_first_picture_leaves_nothing(tmp_path):
    path = _write(tmp_path / "a.gif", _part(WHOLE, 1, after=2), _part(MIDDLE, 2, after=2), _part(RIGHT, 1))

    assert _colours(path) == [[RED, RED, RED], [WHITE, GREEN, WHITE], [WHITE, WHITE, RED]]


def test_a_part_that_says_nothing_stays(tmp_path):
    """Also behind one that was cleared."""
    parts = [_part(WHOLE, 1, after=1), _part(LEFT, 2, after=2), _part(MIDDLE, 3), _part(RIGHT, 2)]

    assert _colours(_write(tmp_path / "a.gif", *parts))[2:] == [[WHITE, BLUE, RED], [WHITE, BLUE, GREEN]]


def test_what_was_covered_is_restored(tmp_path):
    parts = [_part(WHOLE, 1, after=1), _part(MIDDLE, 2, after=3), _part(LEFT, 3)]

    assert _colours(_write(tmp_path / "a.gif", *parts)) == [[RED] * 3, [RED, GREEN, RED], [BLUE, RED, RED]]


def test_a_transparent_colour_shows_what_is_below(tmp_path):
    parts = [_part(WHOLE, 1, after=1), _part(WHOLE, 2, clear=2), _part(MIDDLE, 0, clear=2)]

    assert _colours(_write(tmp_path / "a.gif", *parts))[1:] == [[RED] * 3, [RED, (0, 0, 0), RED]]


@pytest.mark.parametrize("parts", [[_part(MIDDLE, 1)], [_part(MIDDLE, 1), _part(LEFT, 2)]])
def test_around_a_first_part_that_is_smaller_nothing_is_shown(tmp_path, parts):
    path = _write(tmp_path / "a.gif", *parts)

    assert _colours(path)[0] == [WHITE, RED, WHITE]
    if len(parts) == 1:
        assert read_rgb(path)[8, 1].tolist() == [255, 255, 255]


def test_a_first_part_that_is_larger_makes_the_picture_larger_and_a_later_one_does_not(tmp_path):
    parts = [_part((0, 0, 20, 16), 1, after=1), _part((8, 8, 30, 30), 2)]

    shapes = [frame.rgb.shape for frame in read_frames(_write(tmp_path / "a.gif", *parts))]

    assert shapes == [(16, 20, 3)] * 2


def test_times_are_those_of_browsers(tmp_path):
    parts = [_part(WHOLE, n % 3, after=1, time=time) for n, time in enumerate((250, 0, 10, 20, 100))]

    times = [frame.time for frame in read_frames(_write(tmp_path / "a.gif", *parts))]

    assert np.diff(times) == pytest.approx([0.25, 0.1, 0.1, 0.02])
