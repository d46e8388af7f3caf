"""Zeroed and missing bytes that decoders do not notice."""

import time

import av
import numpy as np
import pytest

from face_extraction.frames import read_frames
from face_extraction.holes import Hole, HoleFinder, lacks_sectors, spread
from face_extraction.ledger import ItemFailed

from .videos import HEIGHT, WIDTH, paint, write

KEYS = {"g": "10", "b": "1M", "x264-params": "keyint=10:min-keyint=10:bframes=0:scenecut=0"}
KEYS |= {"x265-params": "log-level=none:keyint=10:min-keyint=10:bframes=0:scenecut=0"}


def _noisy(count=40):
    """The painted numbers, with noise that makes packets long."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 90, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    return [np.clip(paint(index) // 2 + np.roll(noise, index, axis=1), 0, 255) for index in range(count)]


def _packets(path):
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]


def _read(path):
    found = []
    with pytest.raises(ItemFailed) as error:
        found.extend(frame.index for frame in read_frames(path))
    return error.value, found


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("a.webm", "libvpx", "yuv420p"),
        ("b.webm", "libvpx-vp9", "yuv420p"),
        ("a.mp4", "libvpx-vp9", "yuv420p"),
        ("a.avi", "huffyuv", "yuv422p"),
        ("a.mkv", "ffv1", "yuv420p"),
        ("b.mp4", "libsvtav1", "yuv420p"),
        ("a.mov", "qtrle", "rgb24"),
    ],
)
def test_a_zeroed_sector_in_a_picture_is_damage(tmp_path, name, codec, pixels):
    path = write(tmp_path / name, _noisy(), codec, pixels=pixels, options=KEYS)
    assert len(list(read_frames(path))) == 40
    at, size = next((at, size) for at, size in _packets(path)[12:] if size > 1200)
    content = bytearray(path.read_bytes())
    sector = -(-(at + 60) // 512) * 512
    assert sector + 512 < at + size
    content[sector : sector + 512] = bytes(512)
    path.write_bytes(content)

    error, found = _read(path)

    assert error.reason == "damaged"
    assert 20 <= len(found) < 40
    assert found[:12] == list(range(12))
    assert found[-10:] == list(range(30, 40))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4", "mpeg2video"])
def test_zeros_are_no_part_of_a_picture_of_codecs_with_start_codes(tmp_path, name, codec):
    if (name, codec) == ("a.avi", "libx265"):
        pytest.skip("FFmpeg writes no HEVC into AVI")
    path = write(tmp_path / name, _noisy(), codec, options=KEYS)
    assert len(list(read_frames(path))) == 40
    with av.open(str(path)) as container:
        packet = bytes([packet for packet in container.demux(video=0) if packet.size][15])
    content = path.read_bytes()
    parts = (packet[at : at + 24] for at in range(len(packet) // 3, len(packet) - 60))
    middle = next(part for part in parts if content.count(part) == 1)
    path.write_bytes(content.replace(middle, bytes(24)))

    error, found = _read(path)

    assert error.reason == "damaged"
    assert found == [*range(15), *range(20, 40)]


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libvpx-vp9"), ("b.mkv", "ffv1")])
def test_a_cluster_of_wrong_checksum_is_damage(tmp_path, name, codec):
    path = write(tmp_path / name, _noisy(), codec, options=KEYS)
    at, size = _packets(path)[15]
    content = bytearray(path.read_bytes())
    content[at + size // 2] ^= 0x55
    path.write_bytes(content)

    error, found = _read(path)

    assert error.reason == "damaged"
    assert 15 not in found


@pytest.mark.parametrize("name", ["a.webm", "b.webm", "a.mkv"])
@pytest.mark.parametrize("filled", [True, False])
def test_a_hole_over_several_frames_of_a_matroska_is_damage(tmp_path, name, filled):
    path = write(tmp_path / name, _noisy(), "libvpx" if name == "a.webm" else "libvpx-vp9", options=KEYS)
    packets = _packets(path)
    start, end = packets[12][0] + packets[12][1] // 2, packets[15][0] + packets[15][1] // 2
    content = path.read_bytes()
    path.write_bytes(content[:start] + bytes(end - start) * filled + content[end:])

    found = []
    with pytest.raises(ItemFailed, match="damaged"):
        found.extend(read_frames(path))

    times = [round(30 * frame.time) for frame in found]
    assert times[:12] == list(range(12))
    assert not set(times) & set(range(13, 20))
    assert times[-20:] == list(range(20, 40))


@pytest.mark.parametrize("lost", [300, 30_000])
def test_bytes_cut_out_of_an_avi_are_damage_where_they_were(tmp_path, lost):
    path = write(tmp_path / "a.avi", _noisy(), "huffyuv", pixels="yuv422p")
    at, size = _packets(path)[12]
    content = path.read_bytes()
    path.write_bytes(content[: at + size // 2] + content[at + size // 2 + lost :])

    error, found = _read(path)

    assert error.reason == "damaged"
    assert found[:12] == list(range(12))
    assert 12 not in found
    assert len(found) >= 35


def test_zeros_to_the_end_or_from_the_beginning_of_a_packet_are_a_hole():
    in_mp4 = b"\1\0\0\0\xff" + bytes(20)
    picture = (1100).to_bytes(4) + b"\x65" * 600 + bytes(500)

    assert HoleFinder("h264", in_mp4).has_hole(picture, 512 - 604)
    assert not HoleFinder("h264", in_mp4).has_hole(picture, 512 - 504)
    assert not HoleFinder("h264").has_hole(picture, 512 - 604)
    assert HoleFinder("av1").has_hole(bytes(32) + b"\x32" * 600)
    assert not HoleFinder("av1").has_hole(b"\x12" + bytes(32) + b"\x32" * 600)


@pytest.mark.parametrize(
    ("name", "codec", "size"), [("a.avi", "dvvideo", (720, 576)), ("a.wmv", "wmv2", (96, 64))]
)
def test_more_zeros_than_a_codec_writes_are_damage(tmp_path, name, codec, size):
    flat = [np.full((*size[::-1], 3), 40 * (index % 2), np.uint8) for index in range(8)]
    path = write(tmp_path / name, flat, codec, rate=25)
    assert len(list(read_frames(path))) == 8
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*size[::-1], 3), dtype=np.uint8) for _ in range(8)]
    path = write(tmp_path / name, noise, codec, options={"b": "9M", "g": "1"}, rate=25)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)

    error, found = _read(path)

    assert error.reason == "damaged"
    assert 5 <= len(found) < 8


def test_a_black_picture_is_no_hole():
    finder = HoleFinder("vp9")
    picture = b"\x82\x49\x83" + bytes(3000) + b"\x11\x22"

    assert not finder.has_hole(picture, 1000)
    assert not finder.has_hole(picture)
    assert not finder.has_hole(b"\x82" * 600 + bytes(5000), 424)


@pytest.mark.parametrize("at", [0, 512, 1000])
def test_a_hole_begins_and_ends_where_sectors_do(at):
    finder = HoleFinder("vp8")
    front = -(at + 100) % 512 + 100
    assert finder.has_hole(b"\x82" * front + bytes(1024) + b"\x11" * 50, at)
    assert not finder.has_hole(b"\x82" * (front + 9) + bytes(1024) + b"\x11" * 50, at)
    assert not HoleFinder("rawvideo").has_hole(b"\x82" * front + bytes(1024) + b"\x11" * 50, at)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_zeros_between_and_behind_the_parts_of_a_picture_are_no_hole(codec):
    part = b"\x65\x88" * 20
    extradata = {"h264": b"\1\x64\0\x0a\xff", "hevc": b"\1" + bytes(20) + b"\3"}[codec]
    packed, plain = HoleFinder(codec, extradata), HoleFinder(codec)

    padded = part + bytes(9)
    lengths = b"".join(len(one).to_bytes(4) + one for one in (padded, part))
    assert not packed.has_hole(lengths)
    assert packed.has_hole((len(part) * 2 + 9).to_bytes(4) + part + bytes(9) + part)
    assert not plain.has_hole(b"\0\0\0\1" + part + bytes(9) + b"\0\0\1" + part + bytes(30))
    assert plain.has_hole(b"\0\0\0\1" + part + bytes(9) + part)


def test_holes_break_the_packets_in_them_and_those_that_may_need_missing_ones():
    places = np.array([10, 20, 30, 40, 50])
    keys = np.array([True, False, False, True, False])

    assert spread([Hole(20, 30)], places, keys) == ([1, 2], 0)
    assert spread([Hole(12, 18)], places, keys) == ([1], 1)
    assert spread([Hole(35, 35, 4)], places, keys) == ([], 4)
    assert spread([Hole(35, 60)], places, keys) == ([3, 4], 0)
    assert spread([Hole(10, 40, is_vague=True)], places, keys) == ([0, 1, 2], 0)
    assert spread([Hole(10, 40, is_vague=True)], places, keys, [1]) == ([], 0)


_BLACK = [("a.webm", "libvpx-vp9"), ("b.webm", "libvpx"), ("a.mp4", "libx264"), ("a.avi", "mpeg4")]


@pytest.mark.parametrize(("name", "codec"), _BLACK)
def test_a_still_black_video_is_whole(tmp_path, name, codec):
    options = {"g": "3"} | ({"deadline": "realtime", "cpu-used": "8"} if "vpx" in codec else {})
    path = write(tmp_path / name, [np.zeros((360, 640, 3), np.uint8)] * 6, codec, options=options)

    assert len(list(read_frames(path))) == 6


def test_zeros_at_the_beginning_do_not_hide_a_hole_behind_them():
    content = bytes(600) + b"\x11" * 424 + bytes(1024) + b"\x11" * 50

    assert lacks_sectors(content, 0)
    assert not lacks_sectors(content, 100)
    assert not lacks_sectors(content[:-50], 0)


def test_many_rows_of_zeros_take_no_time():
    content = b"\x11" + (bytes(600) + b"\x11" * 9) * 20_000

    start = time.process_time()
    assert not lacks_sectors(content, 100)
    assert time.process_time() - start < 2
