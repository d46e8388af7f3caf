"""Gaps in transport streams, by packets written by hand."""

import pytest

from face_extraction.transport import breaks

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

    assert list(breaks(tmp_path / "a.ts", PID)) == [(11 * 188, table)]


def test_a_gap_of_sixteen_packets_is_seen_where_their_bytes_are_still_there(tmp_path):
    packets = [_packet(n) for n in range(80)]

    assert _found(tmp_path, *packets[:20], bytes(16 * 188), *packets[36:]) == [36 * 188]
    assert _found(tmp_path, *packets[:20], bytes(1000), *packets[36:]) == [20 * 188 + 1000]


def test_what_is_no_transport_stream_has_no_gaps(tmp_path):
    assert _found(tmp_path, bytes(5_000_000)) == []
    assert _found(tmp_path, b"") == []


def test_a_gap_is_found_in_any_part_of_a_large_file(tmp_path):
    packets = [_packet(n) for n in range(40_000)]

    assert _found(tmp_path, *packets[:30_000], *packets[30_001:]) == [30_000 * 188]
    assert _found(tmp_path, *packets[:11_155], *packets[11_156:]) == [11_155 * 188]
