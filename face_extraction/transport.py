"""Find where packets are missing in an MPEG transport stream, and where two were joined.

FFmpeg tells of most gaps, but not of those in the first picture, of whole pictures alone, or of 16 packets.

Reference: ISO/IEC 13818-1, 2.4.3 (the transport packet and its continuity counter).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.images import open_file

PACKET = 188
"""Bytes of a packet."""
_SYNC = 0x47
# The bit in a packet's second byte that says that a picture begins here.
_STARTS = 0x40
# Bytes from one packet to the next: plain, with a time before each (AVCHD), with a checksum behind each.
_SIZES = (PACKET, 192, 204)
_BLOCK = 2**21
# The bits in a packet's fourth byte that say how its content is encrypted.
_SCRAMBLED = 0xC0
# Kinds of streams that are video: MPEG-1, -2 and -4, H.264, HEVC, VVC, AVS, Dirac, VC-1.
_VIDEO = frozenset({0x01, 0x02, 0x10, 0x1B, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xD4, 0xEA})
# So many packets in step are no chance.
_SURE = 8


class Break(NamedTuple):
    """A packet that does not follow the stream's last one, or is encrypted.

    Attributes:
        at: its place in the file, in bytes.
        begins: whether it is the first of another file, which was joined here.
        leaves: whether it says instead that the program's video is another stream from here on.
    """

    at: int
    begins: bool
    leaves: bool = False


def breaks(path: Path, pid: int) -> Iterator[Break]:
    """Where a stream's packets do not follow each other.

    Args:
        path: a transport stream.
        pid: the stream's number in it.

    Raises:
        Unreadable: the system cannot open the file.
    """
    counter = -1
    program = b""
    skipped: int | None = None
    for at, packets, is_fresh in _runs(path):
        places = np.flatnonzero(_of_stream(packets, pid))
        if is_fresh and counter >= 0:
            skipped = at
        if len(places):
            for place, begins in _broken(packets, places, counter, is_fresh):
                yield Break(at + place * packets.shape[1], begins)
            counter = int(packets[places[-1], 3]) & 15
            skipped = None
        program, left = _follow(packets, pid, program)
        if left is not None:
            yield Break(at + left * packets.shape[1], begins=False, leaves=True)
    if skipped is not None:  # No later packet of the stream tells by its counter what the skipped bytes were.
        yield Break(skipped, begins=False)


def breaks_off(path: Path) -> bool:
    """Whether the last packet is not whole. Other bytes behind the packets do not matter.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        start, size = _in_step(np.frombuffer(file.read(_BLOCK), np.uint8))
        end = file.seek(0, 2)
        rest = (end - start) % size if size else 0
        if rest in (0, PACKET):  # The time before a packet of AVCHD counts as the end of the last one.
            return False
        file.seek(end - rest - size)
        tail = file.read()
    return tail[0] == tail[size] == _SYNC


def _of_stream(packets: NDArray[np.uint8], pid: int) -> NDArray[np.bool_]:
    return np.asarray((packets[:, 1] & 0x1F == pid >> 8) & (packets[:, 2] == pid & 0xFF))


def _broken(
    packets: NDArray[np.uint8], places: NDArray[np.int64], counter: int, is_fresh: bool
) -> Iterator[tuple[int, bool]]:
    """The packets at `places` that are broken, and whether each is the first of another file.

    `counter` is that of the packet before them, or -1; `is_fresh` says that bytes before them were skipped.
    """
    head = packets[places, :6].astype(np.int16)
    counters = head[:, 3] & 15
    step = (counters - np.concatenate([[counter], counters[:-1]])) & 15
    # The counter stays at a repeated packet, and jumps where the sender says so.
    told = (head[:, 3] & 0x20 > 0) & (head[:, 4] > 0) & (head[:, 5] & 0x80 > 0)
    broken = ((step > 1) & ~told) | (head[:, 1] & 0x80 > 0)
    broken[0] = counter >= 0 and (is_fresh or broken[0])
    broken |= _encrypted(packets[places])
    for number in np.flatnonzero(broken).tolist():
        place = int(places[number])
        before = packets[int(places[number - 1]) + 1 if number else 0 : place]
        yield place, bool(counters[number] == 0 and head[number, 1] & _STARTS and _has_first_table(before))


def _encrypted(packets: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which packets are encrypted. Some recorders leave the mark on packets that they have decrypted."""
    marked = packets[:, 3] & _SCRAMBLED > 0
    begin = np.flatnonzero(marked & (packets[:, 1] & _STARTS > 0))
    start = 4 + np.where(packets[begin, 3] & 0x20 > 0, 1 + packets[begin, 4].astype(np.int64), 0)
    start = np.minimum(start, PACKET - 3)
    clear = (packets[begin, start] == 0) & (packets[begin, start + 1] == 0) & (packets[begin, start + 2] == 1)
    return np.asarray(marked & ~clear.any())


def _follow(packets: NDArray[np.uint8], pid: int, program: bytes) -> tuple[bytes, int | None]:
    """The number of a stream's program, and which packet lists another video in the stream's place."""
    last = b""
    for place in np.flatnonzero(_begin_lists(packets)).tolist():
        section: bytes = packets[place, 5:PACKET].tobytes()
        if section == last or not section[5] & 1:
            continue
        last, number, streams = section, section[3:5], _streams(section)
        if pid in streams:
            program = number
        elif number == program and any(kind in _VIDEO for kind, _ in streams.values()):
            return b"", place
    return program, None


def descriptor(path: Path, pid: int, tag: int) -> bytes:
    """What a transport stream's first list of streams says of one of them; b"" if it says nothing.

    Args:
        path: a transport stream.
        pid: the stream's number in it.
        tag: the kind of description.

    Raises:
        Unreadable: the system cannot open the file.
    """
    for _, packets, _ in _runs(path):
        for packet in packets[_begin_lists(packets)]:
            streams = _streams(packet[5:PACKET].tobytes())
            if pid in streams:
                return dict(_tagged(streams[pid][1])).get(tag, b"")
        return b""
    return b""


def is_scrambled(path: Path, pid: int | None = None) -> bool:
    """Whether the beginning of a transport stream is encrypted.

    Args:
        path: a transport stream.
        pid: the stream in it of which every packet must be; None for any packet of any stream.

    Raises:
        Unreadable: the system cannot open the file.
    """
    for _, packets, _ in _runs(path):
        if pid is None:
            return bool(_encrypted(packets).any())
        encrypted = _encrypted(packets[_of_stream(packets, pid)])
        return bool(len(encrypted) and encrypted.all())
    return False


def _begin_lists(packets: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which packets begin with a list of a program's streams."""
    plain = (packets[:, 1] & _STARTS > 0) & (packets[:, 3] & 0x30 == 0x10)
    return np.asarray(plain & (packets[:, 4] == 0) & (packets[:, 5] == 2))


def _streams(section: bytes) -> dict[int, tuple[int, bytes]]:
    """The kind of each stream in a list of a program's streams, and what the list says of it."""
    at, end = 12 + (section[10] & 15) * 256 + section[11], 3 + (section[1] & 15) * 256 + section[2] - 4
    found = {}
    while at + 5 <= min(end, len(section)):
        kind, number, length = struct.unpack_from(">BHH", section, at)
        found[number & 0x1FFF] = (kind, section[at + 5 : at + 5 + (length & 0xFFF)])
        at += 5 + (length & 0xFFF)
    return found


def _tagged(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(content):
        yield content[at], content[at + 2 : at + 2 + content[at + 1]]
        at += 2 + content[at + 1]


def _has_first_table(packets: NDArray[np.uint8]) -> bool:
    """Whether among the packets is a file's first list of programs."""
    return bool(((packets[:, 1] & 0x1F == 0) & (packets[:, 2] == 0) & (packets[:, 3] & 15 == 0)).any())


def _runs(path: Path) -> Iterator[tuple[int, NDArray[np.uint8], bool]]:
    """Packets without a byte between them: place, uint8 of (packets, size), whether bytes were skipped."""
    at = size = 0
    with open_file(path) as stream:
        while True:
            stream.seek(at)
            content = stream.read(_BLOCK)
            block = np.frombuffer(content, np.uint8)
            is_fresh = not size
            if not size:
                start, size = _in_step(block)
                at, block = at + start, block[start:]
            if size:
                packets = block[: len(block) // size * size].reshape(-1, size)
                out_of_step = np.flatnonzero(packets[:, 0] != _SYNC)
                good = int(out_of_step[0]) if len(out_of_step) else len(packets)
                if good:
                    yield at, packets[:good], is_fresh
                at += good * size
                size = 0 if len(out_of_step) else size
                if size and len(content) < _BLOCK:
                    return
            elif len(content) < _BLOCK:
                return


def _in_step(block: NDArray[np.uint8]) -> tuple[int, int]:
    """Where packets begin, and their size; if nowhere, how much to skip, and 0."""
    is_sync = block == _SYNC
    for size in _SIZES:
        count = len(block) - (_SURE - 1) * size
        if count > 0:
            found = np.flatnonzero(np.all([is_sync[k * size :][:count] for k in range(_SURE)], axis=0))
            if len(found):
                return int(found[0]), size
    return max(1, len(block) - _SURE * _SIZES[-1]), 0
