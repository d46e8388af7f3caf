"""Frames of whole, cut and broken clips."""

import errno
import io
import os
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


@pytest.mark.parametrize(("aspect", "width"), [("2", 192), ("1/2", 48), ("16/15", 102), ("1001/1000", 96)])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_clip_of_pixels_that_are_not_square_is_as_wide_as_players_show_it(
    tmp_path, write_clip, name, aspect, width
):
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :48] = (250, 20, 20)
    path = write_clip(tmp_path / name, [picture] * 3, aspect=Fraction(aspect))

    for frames in (read_frames(path, count=2), read_frames(path, first=True)):
        for frame in frames:
            assert frame.rgb.shape == (64, width, 3)
            assert frame.rgb[30, width // 2 - 8, 0] > 200
            assert frame.rgb[30, width // 2 + 8, 0] < 50


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


def test_a_clip_in_fragments_that_ends_between_two_is_noticed_too(tmp_path, numbered_clip):
    path = numbered_clip(tmp_path / "a.mp4", 40, movflags="dash+global_sidx")
    assert _values(read_frames(path)) == list(range(40))
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"moof") - 4])

    frames, found = read_frames(path), []
    with pytest.raises(ItemFailed, match=r"truncated: the file breaks off: read 3\.50 of 4\.00 seconds"):
        found.extend(frames)

    assert _values(found) == list(range(35))


@pytest.mark.parametrize("cut", [0.2, 0.5])  # before the index, which is at the end, or in the frames
def test_a_file_that_cannot_be_read_is_not_taken_for_a_cut_one(tmp_path, numbered_clip, monkeypatch, cut):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, "Input/output error")

    path = numbered_clip(tmp_path / "a.mp4", 40, **({"movflags": "faststart"} if cut == 0.5 else {}))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])
    monkeypatch.setattr("face_extraction.images.open_file", lambda path: Failing())

    with pytest.raises(ItemFailed, match="Input/output error") as error:
        list(read_frames(path, count=4))

    assert error.value.reason == "failed"


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
    if kind == "unknown codec":
        content = numbered_clip(path, 20).read_bytes()
        return path.write_bytes(content.replace(b"avc1", b"none").replace(b"mp4v", b"none"))
    if kind == "cut before its index":
        content = numbered_clip(path, 20).read_bytes()
        return path.write_bytes(content[: len(content) // 2])
    if kind == "named pipe":
        return os.mkfifo(path)
    return path.write_bytes({"empty": b"", "text": b"no clip\n" * 100}[kind])


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("empty", "the file is empty"),
        ("text", "no video in it"),
        ("sound only", "no video in it"),
        ("unknown codec", "an unknown codec"),
        ("cut before its index", "no video in it"),
        pytest.param(
            "named pipe",
            "not a file",
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes"),
        ),
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


def _copy_from(source, target, seconds):
    """Copy the packets from the key frame before `seconds` on, with an edit list that hides the rest."""
    av = pytest.importorskip("av")
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        stream = container.streams.video[0]
        copied = copy.add_stream_from_template(stream)
        start = round(seconds / stream.time_base)
        container.seek(start, stream=stream)
        for packet in container.demux(stream):
            if packet.size:
                packet.pts -= start
                packet.dts -= start
                packet.stream = copied
                copy.mux(packet)


def test_frames_that_an_edit_list_hides_are_not_missing(tmp_path, numbered_clip):
    # What `ffmpeg -ss 1.3 -i clip -c copy` writes: decoding begins at the key frame, showing later.
    _copy_from(numbered_clip(tmp_path / "whole.mp4", 40), tmp_path / "cut.mp4", 1.3)

    frames = list(read_frames(tmp_path / "cut.mp4"))

    assert _values(frames) == list(range(13, 40))
    assert [frame.index for frame in frames] == list(range(27))
    assert frames[0].time == 0
    assert _values(read_frames(tmp_path / "cut.mp4", count=3)) == [13 + 4, 13 + 13, 13 + 22]


def _spoil(path, frame):
    """Overwrite the packet of a frame with noise."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        packets = [
            (packet.pts, packet.pos, packet.size) for packet in container.demux(video=0) if packet.size
        ]
    _, place, size = sorted(packets, key=lambda packet: packet[1] if packet[0] is None else packet[0])[frame]
    content = bytearray(path.read_bytes())
    content[place + 4 : place + size] = b"\xff" * (size - 4)
    path.write_bytes(content)


def test_damage_in_the_middle_is_told_and_the_rest_is_used(tmp_path, numbered_clip):
    path = numbered_clip(tmp_path / "a.mp4", 40)
    _spoil(path, 14)

    frames, found = read_frames(path), []
    with pytest.raises(ItemFailed, match=r"damaged: 1 of 40 wanted frames, 1 packets cannot be decoded"):
        found.extend(frames)

    assert [frame.index for frame in found] == [index for index in range(40) if index != 14]
    assert _values(found[:14]) == list(range(14))
    assert _values(found[-20:]) == list(range(20, 40))


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_what_is_predicted_from_a_damaged_frame_is_not_given(tmp_path, numbered_clip, name):
    path = numbered_clip(tmp_path / name, 40)
    _spoil(path, 11)  # Between the key frames 10 and 15.

    found = []
    with pytest.raises(ItemFailed, match=r"damaged: \d+ of 40 wanted frames, 1 packets"):
        found.extend(read_frames(path))

    given = [frame.index for frame in found]
    assert not set(given) & {11, 12, 13, 14}
    assert _values(found) == given
    assert given == [*range(11), *range(15, 40)]


def _moving(path, codec):
    """Noise that moves: 48 frames, a key frame every 12, and of others two that need the third after them."""
    av = pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 255, (128, 160, 3), dtype=np.uint8)
    options = {"bf": "2", "g": "12", "b_strategy": "0", "sc_threshold": "1000000000"}
    if codec == "libx264":
        options = {"x264-params": "keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0:b-pyramid=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        for index in range(48):
            picture = av.VideoFrame.from_ndarray(np.roll(noise, 3 * index, axis=1), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def _gap(path, place):
    """Overwrite half of a packet, of which the decoder then makes up the picture."""
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][place]
    content, half = bytearray(path.read_bytes()), packet.size // 2
    content[packet.pos + 8 + half : packet.pos + 8 + packet.size] = b"\xff" * (packet.size - half)
    path.write_bytes(content)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.mp4", "mpeg4"), ("a.avi", "mpeg4")])
def test_frames_shown_before_a_damaged_one_that_they_need_are_not_given(tmp_path, name, codec):
    path = _moving(tmp_path / name, codec)
    sound = [frame.rgb for frame in read_frames(path)]
    _gap(path, 16)  # Frame 18, before frames 16 and 17 in the file.

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path))

    # By the pictures, because a frame that an AVI loses without a word shifts the numbers.
    given = [index for frame in found for index in range(48) if np.array_equal(frame.rgb, sound[index])]
    assert len(given) == len(found)
    assert given == [*range(16), *range(24, 48)]


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_damaged_first_frame_is_not_given(tmp_path, name):
    path = _moving(tmp_path / name, "mpeg4")
    _gap(path, 0)

    with pytest.raises(ItemFailed, match="damaged"):
        list(read_frames(path, first=True))


def test_groups_of_pictures_without_a_wanted_frame_are_not_decoded(tmp_path, numbered_clip):
    path = numbered_clip(tmp_path / "a.mp4", 40)
    _spoil(path, 2)  # Between the key frames 0 and 5, and the wanted frames are 10 and 30.

    assert _values(read_frames(path, count=2)) == [10, 30]


@pytest.fixture
def no_real_time():
    """As root, SVT-AV1 gives the process that encodes with it a real-time priority over all others."""
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, *before)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("a.mp4", "libx265", "yuv420p", {"x265-params": "log-level=none:keyint=10"}),
        ("b.mp4", "libx264", "yuv420p", {"bf": "3", "g": "12"}),
        ("c.mp4", "libx264", "yuv420p", {"x264-params": "open-gop=1:keyint=10:bframes=3"}),
        ("f.mp4", "libx265", "yuv420p", {"x265-params": "log-level=none:keyint=12:bframes=4"}),
        ("a.webm", "libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "8"}),
        ("b.webm", "libvpx-vp9", "yuv420p", {"cpu-used": "8"}),
        ("d.mp4", "libsvtav1", "yuv420p", {"preset": "12"}),
        ("a.avi", "mpeg4", "yuv420p", {"bf": "2"}),
        ("a.mpg", "mpeg2video", "yuv420p", {"bf": "2"}),
        ("a.wmv", "wmv2", "yuv420p", {}),
        ("b.wmv", "libx264", "yuv420p", {"bf": "3", "g": "12"}),
        ("a.mxf", "libx264", "yuv420p", {"bf": "3", "g": "12"}),
        ("e.mp4", "libx264", "yuv420p10le", {}),
    ],
)
def test_codecs_agree(tmp_path, numbered_clip, no_real_time, name, codec, pixels, options):
    av = pytest.importorskip("av")
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg cannot write {codec}")
    source = numbered_clip(tmp_path / "source.mkv", 37)
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, pixels, 2_000_000
        for frame in read_frames(source):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")))
        container.mux(stream.encode())

    middles = [(2 * part + 1) * 37 // 24 for part in range(12)]
    for count, expected in ((None, list(range(37))), (4, [4, 13, 23, 32]), (12, middles)):
        frames = list(read_frames(tmp_path / name, count=count))
        assert [frame.index for frame in frames] == expected
        assert _values(frames) == expected
        assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in expected], abs=0.003)


def test_a_playlist_named_as_a_clip_opens_no_other_file(tmp_path, numbered_clip):
    numbered_clip(tmp_path / "real.mp4", 10)
    (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile {tmp_path / 'real.mp4'}\n")

    with pytest.raises(Unreadable):
        list(read_frames(tmp_path / "a.mp4"))


def test_sound_that_is_longer_than_the_picture_is_not_a_missing_end(tmp_path, numbered_clip):
    av = pytest.importorskip("av")
    source = numbered_clip(tmp_path / "source.mkv", 20)
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        picture = container.add_stream("libx264", rate=10)
        sound = container.add_stream("aac", rate=44100, layout="mono")
        picture.width, picture.height, picture.pix_fmt = 96, 64, "yuv420p"
        for frame in read_frames(source):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(frame.rgb, format="rgb24")))
        container.mux(picture.encode())
        for index in range(44100 * 4 // 1024):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.sample_rate, silence.pts, silence.time_base = 44100, 1024 * index, Fraction(1, 44100)
            container.mux(sound.encode(silence))
        container.mux(sound.encode())

    assert len(list(read_frames(tmp_path / "a.mkv"))) == 20
