"""Gaps in transport streams, by packets written by hand."""

import struct

import pytest

from face_extraction.transport import Break, breaks, breaks_off, descriptor, is_scrambled

PID, OTHER = 0x1234, 0x0034


def _packet(counter, pid=PID, before=0, behind=0, *, adaptation=b""):
    """A packet with a payload; `adaptation` is its field, without the length."""
    field = bytes([len(adaptation)]) + adaptation if adaptation else b""
    control = (0x30 if adaptation else 0x10) | counter & 15
    head = bytes([0x47, pid >> 8, pid & 255, control]) + field
    return bytes(before) + head + b"\1" * (188 - len(head)) + bytes(behind)


def _found(tmp_path, *packets):
    path = tmp_path / "a.ts"
    path.write_bytes(b"".join(packets))
    return [found.at for found in breaks(path, PID) if not found.begins]


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (4, 0), (0, 16)])
def test_the_place_of_the_packet_behind_a_gap_is_told(tmp_path, before, behind):
    packets = [_packet(n, before=before, behind=behind) for n in range(60)]

    assert _found(tmp_path, *packets) == []
    size = 188 + before + behind
    assert _found(tmp_path, *packets[:20], *packets[23:]) == [before + 20 * size]


def test_bytes_before_the_first_packet_are_no_gap(tmp_path):
    assert _found(tmp_path, b"\0\x47" * 50, *(_packet(n) for n in range(7, 30))) == []


def test_a_gap_in_another_stream_is_none_in_this_one(tmp_path):
    others = [_packet(n, OTHER) for n in (1, 2, 9, 10)]
    packets = [_packet(n) for n in range(20)]

    assert _found(tmp_path, *packets[:10], *others, *packets[10:]) == []


def test_repeated_packets_and_announced_jumps_are_no_gaps(tmp_path):
    jump = _packet(9, adaptation=b"\x80")
    packets = [_packet(n) for n in (0, 1, 1, 2, 3)] + [jump] + [_packet(n) for n in range(10, 20)]

    assert _found(tmp_path, *packets) == []


@pytest.mark.parametrize("table", [True, False])
def test_another_file_begins_with_a_table_and_the_first_counters(tmp_path, table):
    first = b"\x47" + bytes([0x40 | PID >> 8, PID & 255, 0x10]) + b"\1" * 184
    tables = [_packet(0, pid=0)] if table else [_packet(3, pid=0)]
    (tmp_path / "a.ts").write_bytes(
        b"".join([*(_packet(n) for n in range(10)), *tables, first, *(_packet(n) for n in range(1, 10))])
    )

    assert [(one.at, one.begins) for one in breaks(tmp_path / "a.ts", PID)] == [(11 * 188, table)]


def test_a_gap_of_sixteen_packets_is_seen_where_their_bytes_are_still_there(tmp_path):
    packets = [_packet(n) for n in range(80)]

    assert _found(tmp_path, *packets[:20], bytes(16 * 188), *packets[36:]) == [36 * 188]
    assert _found(tmp_path, *packets[:20], bytes(1000), *packets[36:]) == [20 * 188 + 1000]


def test_a_gap_behind_which_only_other_streams_go_on_is_told(tmp_path):
    packets = [_packet(n) for n in range(20)]
    sound = [_packet(n, OTHER) for n in range(20)]

    assert _found(tmp_path, *packets, bytes(1000), *sound) == [20 * 188 + 1000]
    assert _found(tmp_path, *packets, *sound) == []
    assert _found(tmp_path, *packets, *sound, bytes(1000)) == []


def test_what_is_no_transport_stream_has_no_gaps(tmp_path):
    assert _found(tmp_path, bytes(5_000_000)) == []
    assert _found(tmp_path, b"") == []


def test_a_gap_is_found_in_any_part_of_a_large_file(tmp_path):
    packets = [_packet(n) for n in range(40_000)]

    assert _found(tmp_path, *packets[:30_000], *packets[30_001:]) == [30_000 * 188]
    assert _found(tmp_path, *packets[:11_155], *packets[11_156:]) == [11_155 * 188]


def test_encrypted_packets_are_told(tmp_path):
    packets = [bytearray(_packet(n)) for n in range(20)]
    packets[7][3] |= 0x80

    assert _found(tmp_path, *packets) == [7 * 188]
    assert is_scrambled(tmp_path / "a.ts")
    assert not is_scrambled(tmp_path / "a.ts", PID)
    assert _found(tmp_path, *(_packet(n) for n in range(20))) == []
    assert not is_scrambled(tmp_path / "a.ts")


def test_a_mark_on_packets_that_are_clear_does_not_matter(tmp_path):
    """Recorders that decrypt may leave it."""
    packets = [bytearray(_packet(n)) for n in range(20)]
    for packet in packets:
        packet[3] |= 0xC0
    packets[3][1] |= 0x40
    packets[3][4:7] = b"\0\0\1"

    assert _found(tmp_path, *packets) == []
    assert not is_scrambled(tmp_path / "a.ts", PID)


def _list(*streams, program=1, current=1):
    """A packet with the list of a program's streams: kinds, and numbers in the file."""
    entries = b"".join(struct.pack(">BHH", kind, 0xE000 | pid, 0xF000) for kind, pid in streams)
    head = struct.pack(">HBBBHH", program, 0xC0 | current, 0, 0, 0xE000, 0xF000)
    section = b"\2" + struct.pack(">H", 0xB000 | len(head) + len(entries) + 4) + head + entries + bytes(4)
    return b"\x47\x50\0\x10\0" + section + b"\xff" * (183 - len(section))


VIDEO, SOUND = (0x1B, PID), (0x0F, OTHER)


@pytest.mark.parametrize(
    ("later", "leaves"),
    [
        (_list(VIDEO, SOUND), False),
        (_list((0x1B, 0x300), SOUND), True),
        (_list((0x02, 0x300)), True),
        (_list(SOUND), False),
        (_list((0x1B, 0x300), program=2), False),
        (_list((0x1B, 0x300), current=0), False),
    ],
)
def test_a_program_whose_video_becomes_another_stream_is_told(tmp_path, later, leaves):
    packets = [
        _list(VIDEO, SOUND),
        *(_packet(n) for n in range(10)),
        later,
        *(_packet(n) for n in range(10, 20)),
    ]
    (tmp_path / "a.ts").write_bytes(b"".join(packets))

    assert list(breaks(tmp_path / "a.ts", PID)) == (
        [Break(11 * 188, begins=False, leaves=True)] if leaves else []
    )


def test_what_a_list_says_of_a_stream_is_found(tmp_path):
    section = bytearray(_list(VIDEO))
    section[7] += 6
    section[20:22] = struct.pack(">H", 0xF006)
    section[22:28] = bytes([0x0A, 1, 7, 0xB0, 1, 9])
    (tmp_path / "a.ts").write_bytes(bytes(section) + b"".join(_packet(n) for n in range(20)))

    assert descriptor(tmp_path / "a.ts", PID, 0xB0) == b"\x09"
    assert descriptor(tmp_path / "a.ts", PID, 0x55) == b""
    assert descriptor(tmp_path / "a.ts", OTHER, 0xB0) == b""


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (4, 0), (0, 16)])
def test_an_end_inside_a_packet_is_told(tmp_path, before, behind):
    path = tmp_path / "a.ts"
    whole = b"".join(_packet(n, before=before, behind=behind) for n in range(30))
    for end, is_cut in ((len(whole), False), (len(whole) - behind - 1, True), (len(whole) - 150, True)):
        path.write_bytes(whole[:end])
        assert breaks_off(path) == is_cut
    for beside in (whole + bytes(100), b"\0\0" + whole, b"no transport stream" * 99, b""):
        path.write_bytes(beside)
        assert not breaks_off(path)
