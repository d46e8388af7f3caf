"""Which frames a video has: what healthy files of many makers hold, and what damaged ones lack."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from face_extraction import images
from face_extraction.container import packets_of
from face_extraction.frames import read_frames
from face_extraction.images import Unreadable
from face_extraction.ledger import ItemFailed
from face_extraction.packets import read_packets

from .videos import HEIGHT, WIDTH, cut, describe, element, paint, values, write

REFRESH = "intra-refresh=1:keyint={}:bframes={}:log-level=none"
OPEN_264 = {"x264-params": "open-gop=1:keyint=20:min-keyint=20:bframes=3:b-adapt=0:scenecut=0"}
OPEN_265 = {"x265-params": "log-level=none:open-gop=1:keyint=20:min-keyint=20:bframes=4:b-adapt=0:scenecut=0"}
GROUPS = {"x264-params": "keyint=10:min-keyint=10:scenecut=0:bframes=2"}


def _moving(count, height=64, width=96):
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return [np.roll(noise, 3 * index, axis=1) for index in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(("keyint", "bframes"), [(25, 0), (12, 2), (60, 0)])
def test_intra_refresh_loses_no_frame(tmp_path, suffix, keyint, bframes):
    options = {"x264-params": REFRESH.format(keyint, bframes)}
    path = write(tmp_path / f"a{suffix}", (paint(index) for index in range(100)), options=options)

    for count in (1, 3, 10, 16):
        frames = list(read_frames(path, count=count))
        expected = [(2 * part + 1) * 100 // (2 * count) for part in range(count)]
        assert [frame.index for frame in frames] == expected
        assert values(frames) == expected


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
@pytest.mark.parametrize(("codec", "options"), [("libx264", OPEN_264), ("libx265", OPEN_265)])
def test_a_cut_at_an_open_group_is_whole(tmp_path, suffix, codec, options):
    # A stream of its own parameters, as a recorder writes it, where the target keeps none beside it.
    source = tmp_path / f"whole{'.ts' if suffix == '.ts' else '.mkv'}"
    write(source, (paint(index) for index in range(60)), codec, options=options)
    path = cut(source, tmp_path / f"cut{suffix}", 1)

    every = list(read_frames(path))
    seen = values(every)

    assert seen == list(range(seen[0], 60))
    assert seen[0] <= 20
    assert len(list(read_frames(path, count=10))) == 10
    assert values(read_frames(path, first=True)) == seen[:1]


def test_decodable_leading_pictures_are_kept(tmp_path):
    options = {"x265-params": "log-level=none:radl=2:open-gop=0:keyint=20:bframes=3:b-adapt=0:scenecut=0"}
    source = write(tmp_path / "whole.mkv", (paint(index) for index in range(60)), "libx265", options=options)
    path = cut(source, tmp_path / "cut.mkv", 1)

    seen = values(read_frames(path))

    assert seen == list(range(seen[0], 60))


def _packets_of(path, place, count):
    content = path.read_bytes()
    return content[: 188 * place], content[188 * (place + count) :]


@pytest.mark.parametrize("gaps", [[(150, 3)], [(100, 2), (200, 4)], [(120, 60)]])
@pytest.mark.parametrize("count", [None, 10])
def test_a_gap_in_a_transport_stream_is_damage(tmp_path, gaps, count):
    path = write(tmp_path / "a.ts", _moving(60), options=GROUPS)
    for place, lost in reversed(gaps):
        path.write_bytes(b"".join(_packets_of(path, place, lost)))

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path, count=count))

    assert found


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_gap_in_the_first_picture_of_a_transport_stream_is_damage(tmp_path, codec):
    noise = list(np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), dtype=np.uint8))
    options = {"x265-params": "log-level=none:keyint=2:min-keyint=2", "x264-params": "keyint=2:min-keyint=2"}
    path = write(tmp_path / "a.ts", noise, codec, options=options)
    path.write_bytes(b"".join(_packets_of(path, 10, 1)))

    with pytest.raises(ItemFailed, match="damaged"):
        list(read_frames(path))


def test_whole_pictures_missing_in_a_transport_stream_are_damage(tmp_path):
    path = write(tmp_path / "a.ts", [paint(index) for index in range(20)], options=GROUPS)
    with av.open(str(path)) as container:
        starts = [packet.pos // 188 for packet in container.demux(video=0) if packet.size]
    path.write_bytes(b"".join(_packets_of(path, starts[1], starts[2] - starts[1])))

    assert read_packets(path).broken == {0}  # of those that are left, the one before the gap
    with pytest.raises(ItemFailed, match="damaged"):
        list(read_frames(path))


@pytest.mark.parametrize("rate", [2, 10])
def test_a_flash_video_of_few_frames_a_second_is_whole(tmp_path, rate):
    times = [1000 * index // rate for index in range(30)]
    path = write(tmp_path / "a.flv", map(paint, range(30)), options={"x264-params": "bframes=3"}, times=times)

    assert values(read_frames(path)) == list(range(30))


def test_a_transport_stream_cut_at_its_front_is_whole(tmp_path):
    path = write(tmp_path / "a.ts", _moving(60), options=GROUPS)
    path.write_bytes(_packets_of(path, 0, 100)[1])

    assert len(list(read_frames(path, count=10))) == 10


def test_zeros_behind_a_transport_stream_do_not_matter(tmp_path):
    path = write(tmp_path / "a.ts", [paint(index) for index in range(30)], options=GROUPS)
    path.write_bytes(path.read_bytes() + bytes(100_000))

    assert len(list(read_frames(path))) >= 29


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4", "mpeg2video", "libvpx", "libvpx-vp9"])
@pytest.mark.parametrize("count", [None, 5])
def test_what_a_cut_left_before_the_first_key_is_not_shown(tmp_path, codec, count):
    options = {"g": "10", "bf": "0", "x264-params": "keyint=10:scenecut=0:bframes=0"}
    options |= {"x265-params": "log-level=none:keyint=10:scenecut=0:bframes=0", "b": "1M"}
    whole = write(tmp_path / "a.mkv", map(paint, range(40)), codec, options=options)
    with av.open(str(whole)) as container, av.open(str(tmp_path / "cut.mkv"), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for packet in [packet for packet in container.demux(video=0) if packet.size][3:]:
            packet.stream = stream
            copy.mux(packet)

    found = list(read_frames(tmp_path / "cut.mkv", count=count))

    assert values(found) == [10 + index for index in (range(30) if count is None else (3, 9, 15, 21, 27))]


def test_joined_transport_streams_are_one_video(tmp_path):
    parts = [
        write(tmp_path / f"{start}.ts", (paint(start + index) for index in range(40)), options=GROUPS)
        for start in (0, 40)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))

    frames = list(read_frames(path))

    assert values(frames) == list(range(80))
    assert np.diff([frame.time for frame in frames]) == pytest.approx(1 / 30, abs=0.002)
    assert values(read_frames(path, count=4)) == [10, 30, 50, 70]


@pytest.mark.parametrize("second", [60_000, 40 * 33])
def test_a_recording_joined_to_an_earlier_one_is_whole(tmp_path, second):
    times = [start + 33 * index for start in (0, second) for index in range(40)]
    parts = [
        write(tmp_path / f"{first}.ts", map(paint, part), options=GROUPS, times=[times[n] for n in part])
        for first, part in ((0, range(40)), (40, range(40, 80)))
    ]
    (tmp_path / "joined.ts").write_bytes(b"".join(part.read_bytes() for part in parts))

    assert values(read_frames(tmp_path / "joined.ts")) == list(range(80))


def _segments(folder):
    """An HLS stream's four segments of 20 frames."""
    options = {"hls_time": "0.6", "hls_list_size": "0", "hls_segment_filename": str(folder / "%d.ts")}
    with av.open(str(folder / "a.m3u8"), "w", format="hls", options=options) as container:
        stream = container.add_stream("libx264", rate=30, options=GROUPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(80):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(paint(index), "rgb24")))
        container.mux(stream.encode(None))
    return [(folder / f"{number}.ts").read_bytes() for number in range(4)]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3), (1, 0, 2, 3), (3, 2, 1, 0), (0, 1, 3, 2)])
def test_segments_joined_in_another_order_are_shown_as_players_do_and_whole(tmp_path, order):
    segments = _segments(tmp_path)
    (tmp_path / "joined.ts").write_bytes(b"".join(segments[number] for number in order))

    frames = list(read_frames(tmp_path / "joined.ts"))

    assert values(frames) == [20 * number + index for number in order for index in range(20)]
    assert all(step > 0 for step in np.diff([frame.time for frame in frames]))


@pytest.mark.parametrize("order", [(0, 1, 3), (0, 2, 3)])
def test_a_segment_that_is_missing_is_damage(tmp_path, order):
    segments = _segments(tmp_path)
    (tmp_path / "joined.ts").write_bytes(b"".join(segments[number] for number in order))

    with pytest.raises(ItemFailed, match="damaged"):
        list(read_frames(tmp_path / "joined.ts"))


def test_a_transport_stream_that_breaks_off_does_not_read_all_of_itself(tmp_path):
    path = write(tmp_path / "a.ts", _moving(60), options=GROUPS)
    path.write_bytes(path.read_bytes()[: 188 * 200 + 70])
    try:
        list(read_frames(path))
    except ItemFailed as error:
        said = error.detail.split("read ")[-1].split(" ")
        assert len(said) < 3 or said[0] != said[2]


@pytest.mark.parametrize("start", [0, 5000, -400])
def test_frames_of_a_varying_rate_are_evenly_spaced_in_time(tmp_path, start):
    times = [start + 33 * index for index in range(300)]
    times += [times[-1] + 2500 * index for index in range(1, 21)]
    path = write(tmp_path / "a.mkv", (paint(index % 256) for index in range(320)), times=times)

    found = [frame.time for frame in read_frames(path, count=16)]

    assert len(found) == 16
    assert np.diff(found).max() <= 3.75 + 2.5
    assert sum(time > 10 for time in found) >= 12
    assert next(iter(read_frames(path))).time == 0


def test_a_still_that_stands_for_most_of_a_video_is_taken_once(tmp_path):
    path = write(tmp_path / "a.mkv", map(paint, range(20)), times=[*range(0, 190, 10), 60_000])

    assert len({frame.index for frame in read_frames(path, count=8)}) == 8


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".ts"])
def test_a_video_of_one_frame(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", [paint(5)])

    assert values(read_frames(path, count=16)) == [5]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [("a.avi", "mjpeg", "yuvj420p"), ("a.mov", "mjpeg", "yuvj422p"), ("b.mov", "prores_ks", "yuv422p10le"),
     ("a.mkv", "ffv1", "yuv420p"), ("b.avi", "libx264", "yuv420p"), ("a.flv", "libx264", "yuv420p")],
)  # fmt: skip
def test_what_cameras_and_editors_write(tmp_path, name, codec, pixels):
    path = write(tmp_path / name, (paint(index) for index in range(30)), codec, pixels=pixels)

    assert values(read_frames(path)) == list(range(30))
    assert values(read_frames(path, count=3)) == [5, 15, 25]


def test_the_mark_that_ends_a_sequence_of_vc2_is_no_lost_frame(tmp_path):
    path = write(tmp_path / "a.ts", map(paint, range(20)), "vc2", pixels="yuv422p", bit_rate=600_000_000)

    assert values(read_frames(path)) == list(range(20))


@pytest.mark.parametrize("default", [0, 1])
def test_the_default_video_is_read_and_not_the_first(tmp_path, default):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        streams = [container.add_stream("libx264", rate=30) for _ in range(2)]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.disposition = av.stream.Disposition.default if number == default else 0
        for number, stream in enumerate(streams):
            for _ in range(5):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(paint(number + 1), "rgb24")))
            container.mux(stream.encode(None))

    assert set(values(read_frames(tmp_path / "a.mkv"))) == {default + 1}


def _spoil(path, place):
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][place]
    content = bytearray(path.read_bytes())
    half = packet.size // 2
    content[packet.pos + half : packet.pos + packet.size] = bytes(
        np.random.default_rng(1).integers(0, 255, packet.size - half, dtype=np.uint8)
    )
    path.write_bytes(content)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_damaged_video_is_always_told_the_same(tmp_path, suffix):
    path = write(tmp_path / f"a{suffix}", _moving(60, 128, 160), options=GROUPS)
    _spoil(path, 24)

    def read():
        found = []
        with pytest.raises(ItemFailed) as error:
            found.extend(frame.rgb.tobytes() for frame in read_frames(path, count=30))
        return str(error.value), found

    first = read()
    assert first[0].startswith("damaged")
    assert all(read() == first for _ in range(3))


def _boxes(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


@pytest.mark.parametrize("kind", [b"stsz", b"stts", b"trun", b"saiz"])
def test_a_table_that_claims_more_than_the_file_can_hold_is_refused(tmp_path, kind):
    million = 85_000_000
    content = {
        b"stsz": struct.pack(">III", 0, 1, million),
        b"stts": struct.pack(">IIII", 0, 1, million, 1),
        b"trun": struct.pack(">II", 0, million),
        b"saiz": struct.pack(">IBI", 0, 1, million),
    }[kind]
    parents = (
        (b"traf", b"moof") if kind in (b"trun", b"saiz") else (b"stbl", b"minf", b"mdia", b"trak", b"moov")
    )
    box = _boxes(kind, content)
    for parent in parents:
        box = _boxes(parent, box)
    path = Path(tmp_path / "a.mp4")
    path.write_bytes(_boxes(b"ftyp", b"isom" + bytes(4)) + box)

    with pytest.raises(Unreadable, match=rf"table '{kind.decode()}' claims 85,000,000 samples, in \d+ bytes"):
        list(read_frames(path))


def test_a_video_whose_sizes_are_all_claimed_equal_is_refused_before_it_is_opened(tmp_path):
    path = write(tmp_path / "a.mp4", map(paint, range(10)))
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 8
    struct.pack_into(">II", content, at, 1, 85_000_000)
    path.write_bytes(content)

    with pytest.raises(Unreadable, match="claims 85,000,000 samples"):
        list(read_frames(path, first=True))


def test_packets_of_a_stream_that_begins_midway_are_skipped():
    class Broadcast:
        """As PyAV: a packet of a stream that was not there at the start raises, and the next call goes on."""

        def __init__(self):
            self.left = iter([1, 2, None, 3, None, None, 4])

        def demux(self, *streams):
            for packet in self.left:
                if packet is None:
                    raise IndexError("list index out of range")
                yield packet

    assert list(packets_of(Broadcast())) == [1, 2, 3, 4]


@pytest.mark.parametrize("place", ["open", "packet"])
def test_a_video_that_asks_for_more_memory_than_there_is_names_memory(
    tmp_path, monkeypatch, numbered_clip, place
):
    def no_memory(*args, **options):
        raise av.error.MemoryError(12, "Cannot allocate memory", "file:a.mp4")

    numbered_clip(tmp_path / "a.mp4", 5)
    if place == "open":
        monkeypatch.setattr(av, "open", no_memory)
    else:
        monkeypatch.setattr("face_extraction.packets.packets_of", no_memory)
    with pytest.raises(Unreadable, match=r"out of memory: .*Cannot allocate memory") as failure:
        read_packets(tmp_path / "a.mp4")
    assert failure.value.reason == "failed"


def test_frames_larger_than_8k_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.mp4", (paint(index) for index in range(4)))
    monkeypatch.setattr(images, "MAX_FRAME", WIDTH * HEIGHT)
    assert len(list(read_frames(path))) == 4
    monkeypatch.setattr(images, "MAX_FRAME", WIDTH * HEIGHT - 1)
    with pytest.raises(Unreadable, match="frames of more than 6,143 pixels"):
        list(read_frames(path))


@pytest.mark.parametrize("lost", [1, 3])
def test_pictures_that_an_avi_lists_but_lacks_are_told(tmp_path, lost):
    path = write(tmp_path / "a.avi", map(paint, range(30)), "mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    start, end = (content.index(pictures[number]) - 8 for number in (10, 10 + lost))
    content[start:end] = bytes(end - start)
    path.write_bytes(content)

    found = []
    with pytest.raises(ItemFailed, match=rf"damaged: 0 of \d+ wanted frames, {lost} packets"):
        found.extend(read_frames(path))

    assert values(found) == [n for n in range(30) if not 10 <= n < 10 + lost]


def test_frames_that_an_avi_repeats_are_no_missing_ones(tmp_path):
    whole = write(tmp_path / "whole.avi", map(paint, range(30)), "mpeg4", options={"bf": "0", "b": "1M"})
    with av.open(str(whole)) as container, av.open(str(tmp_path / "a.avi"), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for number, packet in enumerate(packet for packet in container.demux(video=0) if packet.size):
            packet.stream, packet.pts, packet.dts = stream, 2 * number, 2 * number
            copy.mux(packet)

    assert values(read_frames(tmp_path / "a.avi")) == list(range(30))


def test_a_torn_picture_of_a_motion_jpeg_is_damage(tmp_path):
    grain = np.random.default_rng(0).integers(0, 256, (6, 64, 96, 3), dtype=np.uint8)
    path = write(tmp_path / "a.avi", list(grain), "mjpeg", pixels="yuvj420p")
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][3]
    content = bytearray(path.read_bytes())
    middle = content.index(bytes(packet)) + packet.size // 2
    content[middle : middle + 300] = b"\xfe" * 300
    path.write_bytes(content)

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(frame.index for frame in read_frames(path))

    assert found == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{path}\n#EXT-X-ENDLIST\n"),
        ("a.ffconcat", "ffconcat version 1.0\nfile private.ts\n"),
        ("a.mp4", "ffconcat version 1.0\nfile private.ts\n"),
    ],
)
def test_a_list_of_other_files_is_no_video(tmp_path, name, text):
    """Else whoever sends a list to a service is shown the frames of the service's own files."""
    private = write(tmp_path / "private.ts", (paint(index) for index in range(40)))
    assert len(list(read_frames(private))) == 40
    (tmp_path / name).write_text(text.format(path=private))
    with pytest.raises(Unreadable, match=r"no video in it \(a list of other files\)"):
        list(read_frames(tmp_path / name))


@pytest.mark.parametrize("name", ["a.txt", "a.nfo"])
def test_text_is_no_video(tmp_path, name):
    """FFmpeg draws it."""
    (tmp_path / name).write_text("words, and nothing else\n" * 40)
    with pytest.raises(Unreadable, match=r"no video in it \(text\)"):
        list(read_frames(tmp_path / name))


@pytest.mark.parametrize("count", [None, 4])
def test_a_broadcast_whose_video_goes_on_in_another_stream_is_told(tmp_path, count):
    for number in range(2):
        times = [1000 * number + 33 * index for index in range(30)]
        numbers = {"mpegts_start_pid": str(0x100 + 0x100 * number)}
        path = tmp_path / f"{number}.ts"
        write(path, map(paint, range(30)), options=GROUPS, times=times, container_options=numbers)
    (tmp_path / "a.ts").write_bytes(b"".join((tmp_path / f"{number}.ts").read_bytes() for number in range(2)))

    found = []
    with pytest.raises(ItemFailed, match="truncated: the video goes on in another stream, which is not read"):
        found.extend(read_frames(tmp_path / "a.ts", count=count))

    assert len(found) == (count or 30)


def _encrypt(path, first, last):
    """Encrypt the video's packets in a part of a transport stream."""
    packets = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 188).copy()
    for packet in packets[first:last]:
        if packet[1] & 0x1F == 1 and packet[2] == 0:
            packet[3] |= 0x80
            packet[5 + int(packet[4]) if packet[3] & 0x20 else 4 :] ^= 0x5A
    path.write_bytes(packets.tobytes())
    return path


KEY = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
KEY |= {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}


@pytest.mark.parametrize("form", ["a.mp4", "b.mp4", "a.mkv", "a.ts"])
def test_encrypted_pictures_are_a_reason(tmp_path, form):
    options = KEY if form == "a.mp4" else KEY | {"movflags": "frag_keyframe+empty_moov"}
    options = {"live": "1"} if form == "a.mkv" else options
    path = write(tmp_path / form, map(paint, range(40)), container_options=options)
    if form == "a.mkv":
        describe(path, add=element(0x6D80, element(0x6240, element(0x5033, b"\1") + element(0x5035, b""))))
    if form == "a.ts":
        _encrypt(path, 0, None)

    with pytest.raises(Unreadable, match="its pictures are encrypted"):
        list(read_frames(path))


def test_a_transport_stream_that_is_encrypted_for_a_while_is_damage(tmp_path):
    path = _encrypt(write(tmp_path / "a.ts", _moving(60), options=GROUPS), 100, 130)

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path))

    assert found


def test_an_icon_is_no_video(tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a.ico")
    with pytest.raises(Unreadable, match=r"no video in it \(an icon\)"):
        list(read_frames(tmp_path / "a.ico"))


@pytest.mark.parametrize(
    "head", [b"%PDF-1.4\n", b"\xd0\xcf\x11\xe0", b"From: a\r\nContent-Type: image/jpeg\r\n\r\n"]
)
def test_a_document_with_a_photo_in_it_is_no_video(tmp_path, head):
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    (tmp_path / "a.doc").write_bytes(head + bytes(600) + (tmp_path / "a.jpg").read_bytes() * 3)

    with pytest.raises(Unreadable, match="no video in it"):
        list(read_frames(tmp_path / "a.doc"))


@pytest.mark.parametrize("live", ["0", "1"])
def test_recordings_of_a_browser_joined_as_bytes_are_one_video(tmp_path, live):
    options = {"g": "10", "deadline": "realtime"}
    parts = []
    for start in (0, 20):
        part = tmp_path / f"{start}.webm"
        pictures = (paint(start + index) for index in range(20))
        parts.append(
            write(part, pictures, "libvpx", options=options, container_options={"live": live}).read_bytes()
        )
    (tmp_path / "a.webm").write_bytes(b"".join(parts))

    assert values(read_frames(tmp_path / "a.webm")) == list(range(40))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mkv", "libx264", {}),
        ("a.webm", "libvpx-vp9", {}),
        ("a.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}),
        ("a.avi", "mjpeg", {}),
        ("a.ts", "mpeg2video", {}),
    ],
)
def test_a_file_cut_anywhere_is_truncated_also_where_its_last_packet_is_whole(tmp_path, name, codec, options):
    noise = np.random.default_rng(0).integers(0, 256, (40, HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write(
        tmp_path / name,
        noise,
        codec,
        options={"g": "10", "b": "2M"},
        pixels=pixels,
        container_options=options,
    )
    assert len(list(read_frames(path))) == 40
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = path.read_bytes()
    cut = tmp_path / f"cut{path.suffix}"
    for at, size in (packets[25], packets[38]):
        cut.write_bytes(content[: at + size + 40])
        with pytest.raises(ItemFailed, match="truncated"):
            list(read_frames(cut))


def test_a_raw_dv_that_ends_inside_a_frame_is_truncated_and_that_frame_is_not_given(tmp_path):
    grey = [np.full((576, 720, 3), 99, np.uint8)] * 3
    path = write(tmp_path / "a.dv", grey, "dvvideo", rate=25)
    content = path.read_bytes()
    assert len(list(read_frames(path))) == 3
    path.write_bytes(content[: len(content) * 5 // 6])

    found = []
    with pytest.raises(ItemFailed, match="truncated"):
        found.extend(read_frames(path))

    assert len(found) == 2


@pytest.mark.parametrize("kind", ["tga", "ppm", "jp2", "dds", "pcx", "sgi"])
@pytest.mark.parametrize("name", ["a", "a.mp4", "a.jpg"])
def test_a_photo_of_a_kind_that_is_not_read_is_no_video(tmp_path, kind, name):
    path = tmp_path / (f"a.{kind}" if name == "a" else name)
    Image.fromarray(paint(5)).save(path, {"jp2": "jpeg2000"}.get(kind, kind))

    with pytest.raises(Unreadable, match="no video in it"):
        list(read_frames(path))


def test_a_jpeg_behind_other_bytes_is_no_video(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(paint(5)).save(path)
    path.write_bytes(bytes(512) + path.read_bytes())

    with pytest.raises(Unreadable, match="no video in it"):
        list(read_frames(path))
