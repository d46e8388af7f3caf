"""Damaged pages of an Ogg file, missing ones, and an end inside one."""

import numpy as np
import pytest

from face_extraction.frames import read_frames
from face_extraction.ledger import ItemFailed
from face_extraction.ogg import breaks_off, holes

from .videos import HEIGHT, WIDTH, write


@pytest.fixture
def video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (60, HEIGHT, WIDTH, 3), dtype=np.uint8)
    options = {"g": "10", "b": "4M", "deadline": "realtime", "lag-in-frames": "0"}
    return write(
        tmp_path / "a.ogv", noise, "libvpx", options=options, container_options={"page_duration": "1"}
    )


def _pages(content):
    """Where each page begins."""
    return [at for at in range(len(content)) if content.startswith(b"OggS\0", at)]


def _failure(path):
    found = []
    with pytest.raises(ItemFailed) as error:
        found.extend(read_frames(path))
    return error.value.reason, len(found)


def test_a_whole_file_has_no_damage(video):
    assert len(_pages(video.read_bytes())) > 8
    assert not list(holes(video))
    assert not breaks_off(video)
    assert len(list(read_frames(video))) == 60


def test_two_files_joined_as_bytes_have_no_damage(video):
    video.write_bytes(2 * video.read_bytes())

    assert not list(holes(video))
    assert not breaks_off(video)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.93, 0.999])
def test_a_cut_file_is_truncated(video, part):
    content = video.read_bytes()
    video.write_bytes(content[: int(len(content) * part)])

    assert breaks_off(video)
    assert _failure(video)[0] == "truncated"


def test_zeros_in_place_of_the_end_are_a_cut_and_behind_it_do_not_matter(video):
    content = video.read_bytes()
    video.write_bytes(content + bytes(5000))
    assert not breaks_off(video)

    last = _pages(content)[-3]
    video.write_bytes(content[:last] + bytes(len(content) - last))
    assert breaks_off(video)


def test_zeros_in_a_page_are_damage(video):
    content = bytearray(video.read_bytes())
    pages = _pages(content)
    at = (pages[15] + pages[16]) // 2
    content[at : at + 64] = bytes(64)
    video.write_bytes(content)

    assert [(hole.start, hole.end) for hole in holes(video)] == [(pages[15], pages[16])]
    reason, count = _failure(video)
    assert reason == "damaged"
    assert 20 < count < 60


def test_a_missing_page_is_damage(video):
    content = video.read_bytes()
    pages = _pages(content)
    video.write_bytes(content[: pages[15]] + content[pages[16] :])

    assert [hole.start for hole in holes(video)] == [pages[15]]
    assert _failure(video)[0] == "damaged"
