"""Fragments that are missing in a fragmented MP4."""

import re
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from face_extraction.fragments import holes, told_seconds
from face_extraction.frames import read_frames
from face_extraction.ledger import ItemFailed

from .videos import HEIGHT, WIDTH, paint, values

LIVE = "frag_keyframe+empty_moov+default_base_moof"
FORMS = ["dash", LIVE, "dash+global_sidx"]


def _write(path, flags, *, sound=False, times=range(60)):
    """60 frames, 30 a second, in 6 fragments of 10."""
    with av.open(str(path), "w", options={"movflags": flags}) as container:
        options = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=2"}
        stream = container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        silence = container.add_stream("aac", rate=44100, layout="mono") if sound else None
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(paint(number), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 30)
            container.mux(stream.encode(frame))
            if silence:
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1470), np.float32), "fltp", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 44100, 1470 * number, Fraction(1, 44100)
                container.mux(silence.encode(samples))
        for one in (stream, silence):
            container.mux(one.encode(None) if one else [])
    return path


def _starts(content):
    return [found.start() - 4 for found in re.finditer(b"moof", content)]


def _without(content, form):
    """The file without its third fragment, or a part of it; it holds frames 20 to 29."""
    start, end = _starts(content)[2:4]
    data = content.index(b"mdat", start) - 4
    first, last = {
        "fragment": (start, end),
        "description": (start, data),
        "pixels": (data, end),
        "some pixels": (data + 100, data + 200),
        "end": (end - 50, end + 50),
    }[form]
    return content[:first] + content[last:]


@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize("flags", FORMS)
def test_a_whole_file_in_fragments_is_whole(tmp_path, flags, sound):
    path = _write(tmp_path / "a.mp4", flags, sound=sound)

    assert values(read_frames(path)) == list(range(60))
    assert list(holes(path, 1)) == []


@pytest.mark.parametrize("form", ["fragment", "description", "pixels"])
@pytest.mark.parametrize("sound", [False, True])
@pytest.mark.parametrize("flags", FORMS)
def test_a_fragment_missing_in_the_middle_is_damage_and_the_rest_is_used(tmp_path, flags, sound, form):
    path = _write(tmp_path / "a.mp4", flags, sound=sound)
    path.write_bytes(_without(path.read_bytes(), form))

    found = []
    with pytest.raises(ItemFailed, match=r"damaged: \d+ of \d+ wanted frames, 1[01] packets"):
        found.extend(read_frames(path))

    assert values(found) == [*range(20), *range(30, 60)]


@pytest.mark.parametrize("form", ["some pixels", "end"])
@pytest.mark.parametrize("flags", FORMS)
def test_bytes_cut_out_of_a_fragment_are_told(tmp_path, flags, form):
    path = _write(tmp_path / "a.mp4", flags)
    path.write_bytes(_without(path.read_bytes(), form))

    found = []
    with pytest.raises(ItemFailed, match=r"damaged|truncated"):
        found.extend(read_frames(path))

    assert values(found)[:20] == list(range(20))
    assert not set(values(found)) & set(range(20, 30))


def test_a_recording_that_begins_in_the_midst_of_a_broadcast_is_whole(tmp_path):
    path = _write(tmp_path / "a.mp4", LIVE)
    content = path.read_bytes()
    start, end = _starts(content)[0], _starts(content)[3]
    path.write_bytes(content[:start] + content[end:])

    assert values(read_frames(path)) == list(range(30, 60))
    assert told_seconds(path, 1) == 0


@pytest.mark.parametrize("numbers", [range(1, 13, 2), [1] * 6, range(6)])
def test_numbers_alone_tell_of_no_missing_fragment(tmp_path, numbers):
    """Those of a track taken out of a file with sound are not consecutive, and some writers do not count."""
    path = _write(tmp_path / "a.mp4", LIVE)
    content = bytearray(path.read_bytes())
    for number, found in zip(numbers, list(re.finditer(b"mfhd", content)), strict=True):
        struct.pack_into(">I", content, found.end() + 4, number)
    path.write_bytes(content)

    assert values(read_frames(path)) == list(range(60))


def test_a_fragment_missing_of_a_track_taken_out_of_a_file_with_sound_is_told(tmp_path):
    path = _write(tmp_path / "a.mp4", LIVE)
    content = bytearray(path.read_bytes())
    for number, found in enumerate(list(re.finditer(b"mfhd", content))):
        struct.pack_into(">I", content, found.end() + 4, 1 + 2 * number)
    path.write_bytes(_without(bytes(content), "fragment"))

    with pytest.raises(ItemFailed, match="damaged: 0 of 50 wanted frames, 10 packets"):
        list(read_frames(path))


def test_a_pause_of_a_live_recording_is_no_missing_fragment(tmp_path):
    path = _write(tmp_path / "a.mp4", LIVE, times=[*range(30), *range(90, 120)])

    assert values(read_frames(path)) == list(range(60))


@pytest.mark.parametrize(("flags", "seconds"), [(LIVE, 0), ("dash+global_sidx", 2), ("faststart", None)])
def test_the_length_is_what_the_file_says(tmp_path, flags, seconds):
    assert told_seconds(_write(tmp_path / "a.mp4", flags), 1) == seconds


@pytest.mark.parametrize(("ticks", "whole"), [(2000, False), (0, True), (0xFFFFFFFF, True)])
def test_a_length_in_the_films_header_counts(tmp_path, ticks, whole):
    path = _write(tmp_path / "a.mp4", LIVE)
    content = bytearray(path.read_bytes())
    header = content.index(b"mvhd") + 4
    assert struct.unpack_from(">II", content, header + 12) == (1000, 0)
    struct.pack_into(">I", content, header + 16, ticks)
    path.write_bytes(content[: _starts(content)[4]])

    found = []
    if whole:
        found.extend(read_frames(path))
    else:
        with pytest.raises(ItemFailed, match=r"truncated: the file breaks off: read 1\.33 of 2\.00 seconds"):
            found.extend(read_frames(path))

    assert values(found) == list(range(40))


def test_hostile_numbers_cost_no_time(tmp_path):
    path = _write(tmp_path / "a.mp4", LIVE)
    content = bytearray(path.read_bytes())
    last = list(re.finditer(b"mfhd", content))[-1]
    struct.pack_into(">I", content, last.end() + 4, 0xFFFFFFFF)
    path.write_bytes(content)

    assert values(read_frames(path)) == list(range(60))


def test_another_film_behind_a_film_in_fragments_is_told(tmp_path):
    """Its times begin anew: players and FFmpeg mix the two."""
    path = _write(tmp_path / "a.mp4", LIVE)
    path.write_bytes(path.read_bytes() * 2)

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path))

    assert values(found) == list(range(60))


def test_a_description_that_a_recorder_repeats_is_no_other_film(tmp_path):
    path = _write(tmp_path / "a.mp4", LIVE)
    content = path.read_bytes()
    head, third = content[: _starts(content)[0]], _starts(content)[3]
    path.write_bytes(content[:third] + head + content[third:])

    assert values(read_frames(path)) == list(range(60))
