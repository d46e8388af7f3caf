"""Find where packets are missing in an MPEG transport stream, and where two were joined.

FFmpeg tells of most gaps, but not of those in the first picture, of whole pictures alone, or of 16 packets.

Reference: ISO/IEC 13818-1, 2.4.3 (the transport packet and its continuity counter).
"""

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
# So many packets in step are no chance.
_SURE = 8


class Break(NamedTuple):
    """A packet that does not follow the stream's last one.

    Attributes:
        at: its place in the file, in bytes.
        begins: whether it is the first of another file, which was joined here.
    """

    at: int
    begins: bool


def breaks(path: Path, pid: int) -> Iterator[Break]:
    """Where a stream's packets do not follow each other.

    Args:
        path: a transport stream.
        pid: the stream's number in it.

    Raises:
        Unreadable: the system cannot open the file.
    """
    counter = -1
    for at, packets, is_fresh in _runs(path):
        places = np.flatnonzero((packets[:, 1] & 0x1F == pid >> 8) & (packets[:, 2] == pid & 0xFF))
        if not len(places):
            continue
        head = packets[places, :6].astype(np.int16)
        counters = head[:, 3] & 15
        step = (counters - np.concatenate([[counter], counters[:-1]])) & 15
        # The counter stays at a repeated packet, and jumps where the sender says so.
        told = (head[:, 3] & 0x20 > 0) & (head[:, 4] > 0) & (head[:, 5] & 0x80 > 0)
        broken = ((step > 1) & ~told) | (head[:, 1] & 0x80 > 0)
        broken[0] = counter >= 0 and (is_fresh or broken[0])
        counter = int(counters[-1])
        for number in np.flatnonzero(broken).tolist():
            place = int(places[number])
            before = packets[int(places[number - 1]) + 1 if number else 0 : place]
            begins = counters[number] == 0 and head[number, 1] & _STARTS and _has_first_table(before)
            yield Break(at + place * packets.shape[1], bool(begins))


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
        for packet in packets[packets[:, 1] & _STARTS > 0]:
            content = packet[:PACKET].tobytes()
            begin = 4 + (1 + content[4] if content[3] & 0x20 else 0)
            begin += 1 + content[begin] if begin < PACKET else 0
            section = content[begin:]
            if section[:1] == b"\2" and (found := _described(section, pid)) is not None:
                return found.get(tag, b"")
        return b""
    return b""


def _described(section: bytes, pid: int) -> dict[int, bytes] | None:
    """What a list of streams says of one of them, by tags; None if the stream is not there."""
    if len(section) < 12:
        return None
    at, end = 12 + (section[10] & 15) * 256 + section[11], 3 + (section[1] & 15) * 256 + section[2] - 4
    while at + 5 <= min(end, len(section)):
        number, length = (
            (section[at + 1] & 0x1F) * 256 + section[at + 2],
            (section[at + 3] & 15) * 256 + section[at + 4],
        )
        if number == pid:
            return dict(_tagged(section[at + 5 : at + 5 + length]))
        at += 5 + length
    return None


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
