"""What a Matroska file says of its track and its clusters."""

import numpy as np
import pytest

from face_extraction.holes import HoleFinder
from face_extraction.matroska import Track, holes, read_track

from .videos import describe, element, paint, write

KEYS = {"g": "10", "deadline": "realtime", "b": "1M"}
FINDER = HoleFinder("vp8")


def _video(path, *, live="0"):
    return write(path, map(paint, range(40)), "libvpx", options=KEYS, container_options={"live": live})


@pytest.mark.parametrize("live", ["0", "1"])
@pytest.mark.parametrize("suffix", ["webm", "mkv"])
def test_a_whole_file_has_no_hole(tmp_path, suffix, live):
    path = _video(tmp_path / f"a.{suffix}", live=live)

    assert list(holes(path, FINDER)) == []
    assert read_track(path, 0) == Track()
    assert read_track(path, 1) == Track()


@pytest.mark.parametrize("end", [0.3, 0.7, 0.99])
def test_a_file_that_breaks_off_has_no_hole_in_its_middle(tmp_path, end):
    path = _video(tmp_path / "a.mkv")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * end)])

    assert list(holes(path, FINDER)) == []


def test_elements_that_fill_a_cluster_are_no_hole(tmp_path):
    path = _video(tmp_path / "a.mkv", live="1")
    content = path.read_bytes()
    at = content.index(b"\x1f\x43\xb6\x75")
    unknown = element(0x1B538667, bytes(300))
    path.write_bytes(content[:at] + element(0xEC, bytes(500)) + unknown + content[at:])

    assert list(holes(path, FINDER)) == []


def test_only_what_ffmpeg_shows_counts_as_a_stream(tmp_path):
    """A track of buttons, which FFmpeg leaves out, may stand before the video."""
    path = _video(tmp_path / "a.mkv", live="1")
    describe(path, 0xE0, add=element(0x54CC, b"\5") + element(0x54AA, b"\7"))
    content = path.read_bytes()
    buttons = element(0xAE, element(0x83, b"\x12") + element(0x86, b"B_VOBBTN"))
    tracks = content.index(b"\x16\x54\xae\x6b\1") + 4
    size = (int.from_bytes(content[tracks : tracks + 8]) + len(buttons)).to_bytes(8)
    path.write_bytes(content[:tracks] + size + buttons + content[tracks + 8 :])

    assert read_track(path, 0) == Track(crop=(5, 0, 0, 7))


def test_what_is_no_matroska_says_nothing(tmp_path):
    rng = np.random.default_rng(0)
    # A segment of petabytes, and half of it filled.
    endless = b"\x18\x53\x80\x67\x01" + bytes([200] * 7) + b"\xec\x01" + bytes([100] * 7)
    for content in (endless, b"", b"\x1a", b"\x1a\x45\xdf\xa3", bytes(5000), rng.bytes(5000), b"\xff" * 5000):
        (tmp_path / "a.mkv").write_bytes(content)
        assert read_track(tmp_path / "a.mkv", 0) == Track()
        assert list(holes(tmp_path / "a.mkv", FINDER)) == []
