"""Frames of whole, cut and broken clips."""

import struct
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from face_extraction.frames import read_frames
from face_extraction.images import Unreadable
from face_extraction.ledger import ItemFailed


def _values(frames):
    """The numbers that `numbered_clip` painted, told from the picture itself."""
    bars = [frame.rgb.reshape(64, 8, 12, 3).mean(axis=(0, 2, 3)) > 128 for frame in frames]
    return [sum(int(white) << bit for bit, white in enumerate(bar)) for bar in bars]


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [
        (40, 4, [5, 15, 25, 35]),
        (40, 1, [20]),
        (41, 3, [6, 20, 34]),
        (10, 10, list(range(10))),
        (5, 9, list(range(5))),
        (7, None, list(range(7))),
    ],
)
def test_frames_are_the_middles_of_equal_parts_of_the_whole_clip(
    tmp_path, numbered_clip, total, count, expected
):
    frames = list(read_frames(numbered_clip(tmp_path / "a.mp4", total), count=count))

    assert [frame.index for frame in frames] == expected
    assert _values(frames) == expected


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mov"])
def test_containers_agree(tmp_path, numbered_clip, suffix):
    frames = list(read_frames(numbered_clip(tmp_path / f"a{suffix}", 30), count=3))

    assert _values(frames) == [5, 15, 25]
    assert [frame.time for frame in frames] == pytest.approx([0.5, 1.5, 2.5], abs=0.002)


def test_first_frame_only(tmp_path, numbered_clip):
    frames = list(read_frames(numbered_clip(tmp_path / "a.mp4", 20), first=True))

    assert [(frame.index, frame.time) for frame in frames] == [(0, 0.0)]
    assert _values(frames) == [0]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_times_are_the_containers_where_the_rate_varies(tmp_path, numbered_clip, suffix):
    times = [100 * i for i in range(10)] + [1000 + 33 * i for i in range(30)]
    clip = numbered_clip(tmp_path / f"a{suffix}", 40, times=times, rate=30)

    frames = list(read_frames(clip, count=None))

    assert [frame.time for frame in frames] == pytest.approx([t / 1000 for t in times], abs=0.002)


def test_a_rotated_clip_is_upright(tmp_path, write_clip):
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48] = (250, 20, 20)
    path = write_clip(tmp_path / "a.mp4", [picture] * 3)
    content = bytearray(path.read_bytes())
    # The matrix of the track header, which phones set: turn by 90 degrees clockwise for viewing.
    start = content.index(b"tkhd") + 4 + 4 + 20 + 8 + 8
    assert struct.unpack_from(">i", content, start) == (0x10000,)
    struct.pack_into(">9i", content, start, 0, 0x10000, 0, -0x10000, 0, 0, 64 << 16, 0, 0x40000000)
    path.write_bytes(content)

    (frame,) = read_frames(path, count=1)

    assert frame.rgb.shape == (96, 64, 3)
    assert frame.rgb[10, 50, 0] > 200
    assert frame.rgb[10, 10, 0] < 50


def test_a_clip_cut_short_gives_its_frames_and_then_says_so(tmp_path, write_clip, capfd):
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(60))
    path = write_clip(tmp_path / "a.mp4", noise, movflags="faststart")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    frames = read_frames(path, count=6)
    seen = []
    with pytest.raises(ItemFailed, match=r"read (\d+) of 60 frames") as error:
        seen.extend(frame.index for frame in frames)

    read = int(error.value.detail.split()[1])
    assert error.value.reason == "truncated"
    assert 20 < read < 40
    assert seen == [index for index in (5, 15, 25, 35, 45, 55) if index < read]
    assert capfd.readouterr().err == ""


def test_a_cut_matroska_clip_is_noticed_too(tmp_path, write_clip):
    rng = np.random.default_rng(0)
    path = write_clip(
        tmp_path / "a.mkv", (rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(60))
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])

    with pytest.raises(ItemFailed, match="truncated"):
        list(read_frames(path, count=3))


def test_a_matroska_clip_of_varying_rate_is_not_called_short(tmp_path, numbered_clip):
    # Its container gives no count, so that OpenCV guesses one from length and rate: too many.
    times = [100 * i for i in range(20)] + [2000 + 33 * i for i in range(30)]

    frames = list(read_frames(numbered_clip(tmp_path / "a.mkv", 50, times=times, rate=30), count=None))

    assert len(frames) == 50


def _sound_only(path):
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for index in range(5):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 44100, 1024 * index, Fraction(1, 44100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _make(kind, path, numbered_clip):
    if kind == "sound only":
        return _sound_only(path)
    if kind == "cut before its index":
        content = numbered_clip(path, 20).read_bytes()
        return path.write_bytes(content[: len(content) // 2])
    return path.write_bytes({"empty": b"", "text": b"no clip\n" * 100}[kind])


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("empty", "the file is empty"),
        ("text", "no video in it"),
        ("sound only", "no video in it"),
        ("cut before its index", "no video in it"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_has_no_video_is_unreadable_without_noise(tmp_path, numbered_clip, capfd, kind, detail, first):
    path = tmp_path / "a.mp4"
    _make(kind, path, numbered_clip)
    capfd.readouterr()

    with pytest.raises(Unreadable, match=detail):
        list(read_frames(path, count=5, first=first))

    assert capfd.readouterr() == ("", "")


def test_a_missing_clip_is_unreadable(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        list(read_frames(tmp_path / "a.mp4"))


def test_memory_does_not_grow_with_the_clip(tmp_path, numbered_clip):
    def peak(path):
        tracemalloc.start()
        for _ in read_frames(path, count=None):
            pass
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    short, long = (numbered_clip(tmp_path / f"{n}.mp4", n) for n in (10, 100))
    frame_bytes = 64 * 96 * 3

    assert peak(long) < peak(short) + 2 * frame_bytes


@pytest.mark.shared
def test_no_real_clip_is_called_short(shared):
    small = [
        path for path in sorted((shared / "data/videos").glob("*/*.mp4")) if path.stat().st_size < 700_000
    ]

    assert len(small) > 5
    for clip in small:
        assert len(list(read_frames(clip, count=4))) == 4
