"""The length that an ASF file names, and what a cut one lacks."""

import numpy as np
import pytest

from face_extraction.asf import holes, told_seconds
from face_extraction.frames import read_frames
from face_extraction.ledger import ItemFailed

from .videos import HEIGHT, WIDTH, paint, values, write


@pytest.fixture
def video(tmp_path):
    return write(tmp_path / "a.wmv", map(paint, range(60)), "wmv2", options={"b": "1M", "g": "10"})


def test_the_header_names_the_length(video, tmp_path):
    assert told_seconds(video) == pytest.approx(2, abs=0.1)
    (tmp_path / "b.wmv").write_bytes(b"\x30\x26" * 20)
    assert told_seconds(tmp_path / "b.wmv") == 0


@pytest.mark.parametrize("count", [None, 5])
def test_a_cut_file_is_truncated(video, count):
    assert len(list(read_frames(video, count=count))) == (count or 60)
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 6 // 10])

    found = []
    with pytest.raises(ItemFailed, match=r"truncated: .* of 2\.\d+ seconds"):
        found.extend(read_frames(video, count=count))

    assert found


def test_a_length_of_more_digits_is_compared_as_a_number(tmp_path):
    times = [500 * index for index in range(24)]
    noise = np.random.default_rng(0).integers(0, 256, (24, HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = write(tmp_path / "a.wmv", noise, "wmv2", options={"b": "1M"}, times=times)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(ItemFailed, match=r"read \d\.\d+ of 1[12]\.\d+ seconds"):
        list(read_frames(path))


def test_a_file_whose_clock_begins_late_is_whole(tmp_path):
    times = [60_000 + 40 * index for index in range(50)]
    path = write(tmp_path / "a.wmv", map(paint, range(50)), "wmv2", options={"b": "1M"}, times=times)

    assert values(read_frames(path)) == list(range(50))


@pytest.mark.parametrize("zeros", [3200, 256])
def test_zeroed_bytes_are_damage(tmp_path, zeros):
    noise = np.random.default_rng(0).integers(0, 256, (60, HEIGHT, WIDTH, 3), dtype=np.uint8)
    path = write(tmp_path / "a.wmv", noise, "wmv2", options={"b": "2M", "g": "10"})
    content = bytearray(path.read_bytes())
    assert not list(holes(path))
    middle = len(content) // 2
    content[middle : middle + zeros] = bytes(zeros)
    path.write_bytes(content)

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path))

    assert 30 < len(found) < 60
    assert list(holes(path)) or zeros == 256


@pytest.mark.parametrize("place", [2**63 - 1, 2**64 - 1])
def test_a_header_that_names_a_place_which_no_system_goes_to_tells_no_holes(video, place):
    content = bytearray(video.read_bytes())
    content[16:24] = place.to_bytes(8, "little")
    video.write_bytes(content)

    assert list(holes(video)) == []
