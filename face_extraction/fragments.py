"""Find the fragments that are missing in a fragmented MP4, by their numbers and times.

Reference: ISO/IEC 14496-12, 8.8 (movie fragments).
"""

import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from face_extraction.boxes import Box, boxes, inside
from face_extraction.holes import Hole
from face_extraction.images import open_file

_KIND = re.compile(rb"[a-zA-Z0-9 ]{4}")
_START = re.compile(rb"(?:moof|styp|sidx|mfra)")
_BLOCK = 2**20
# Rounding moves a fragment's time by less than this share of a frame.
_JITTER = 0.5
# Flags of tfhd and trun: which of their optional numbers are there.
_BASE, _DESCRIPTION, _DURATION, _SIZE = 0x1, 0x2, 0x8, 0x10
_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_SAMPLE_FIELDS = (0x100, 0x200, 0x400, 0x800)


@dataclass
class _Fragment:
    """A fragment.

    Attributes:
        box: its description.
        number: its number in the file.
        begin: when the video's samples in it begin, in ticks; None if it does not say.
        length: how long they last.
        count: how many they are.
        size: the bytes of all its samples, also of sound.
        held: the bytes of the data behind it.
        anew: whether the description of a film stands before it.
    """

    box: Box
    number: int
    begin: int | None = None
    length: int = 0
    count: int = 0
    size: int = 0
    held: int = 0
    anew: bool = False


class _Usual(NamedTuple):
    """The length and the size of a sample that does not name its own."""

    length: int = 0
    size: int = 0


def holes(path: Path, track: int) -> Iterator[Hole]:
    """The places where fragments of a track are missing or damaged.

    A live recording's clock may jump although nothing was lost, and the numbers of a track that was taken
    out of a file with sound are not consecutive. So both must tell of a missing fragment: more numbers are
    missing than where the clock does not jump.

    Args:
        path: the file.
        track: the video track's number.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        fragments: list[_Fragment] = []
        numbers: set[int] = set()
        usual: dict[int, _Usual] = {}
        anew = False
        for box in _top(file, size):
            if isinstance(box, Hole):
                yield box
            elif box.kind == b"moov":
                usual, anew = usual or _usual(file, box), bool(fragments)
            elif box.kind == b"mdat" and fragments:
                fragments[-1].held += box.end - box.start
            elif box.kind == b"moof":
                fragment = _read(file, box, track, usual)
                fragment.anew, anew = anew, False
                numbers.add(fragment.number)
                fragments.append(fragment)
    for before, after in pairwise(fragments):
        if before.held < before.size:
            yield Hole(before.box.start, after.box.start)
    shown = [one for one in fragments if one.count and one.begin is not None]
    for before, after in pairwise(shown):
        # Another film, joined as bytes: players mix the two. A recorder may repeat the description.
        if after.anew and (after.begin or 0) < (before.begin or 0):
            yield Hole(after.box.start, size)
    yield from _gaps(shown, numbers)


def breaks_off(path: Path) -> bool:
    """Whether the file ends inside a fragment.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        found = list(boxes(file, 0, file.seek(0, 2)))
    is_fragmented = any(box.kind == b"moof" for box in found)
    return is_fragmented and not found[-1].whole and found[-1].kind in (b"moof", b"mdat")


def told_seconds(path: Path, track: int) -> float | None:
    """How long a file of fragments says that it is. FFmpeg gives the end instead, also of a live recording.

    Returns:
        0 if it does not say; None for a file without fragments.

    Raises:
        Unreadable: the system cannot open the file.
    """
    told = total = 0.0
    is_fragmented = False
    with open_file(path) as file:
        size = file.seek(0, 2)
        for box in boxes(file, 0, size):
            if box.kind == b"moov":
                extents = [_number(file, extent, 4) for extent in inside(file, box, b"mvex", b"mehd")]
                for header in inside(file, box, b"mvhd"):
                    told = _seconds(_content(file, header), extents)
            elif box.kind == b"sidx":
                total += _indexed(_content(file, box), track)
            is_fragmented = is_fragmented or box.kind == b"moof"
    if not is_fragmented:
        return None
    return max(told, total)


def _seconds(header: bytes, extents: list[int]) -> float:
    """The length in a film's header, or a longer one that its fragments extend it to."""
    at, size = (20, 8) if header[:1] == b"\1" else (12, 4)
    scale = int.from_bytes(header[at : at + 4])
    own = int.from_bytes(header[at + 4 : at + 4 + size])
    ticks = max(0 if own == (1 << 8 * size) - 1 else own, *extents, 0)  # All ones: unknown.
    return ticks / scale if scale else 0.0


def _indexed(content: bytes, track: int) -> float:
    """The seconds that an index of a track's fragments lists."""
    at = 32 if content[:1] == b"\1" else 24
    if len(content) < at:
        return 0.0
    number, scale = struct.unpack_from(">II", content, 4)
    if number != track or not scale:
        return 0.0
    entries = struct.iter_unpack(">III", content[at : at + (len(content) - at) // 12 * 12])
    # The others lead to further lists.
    return float(sum(length for kind, length, _ in entries if not kind >> 31) / scale)


def _usual(file: IO[bytes], moov: Box) -> dict[int, _Usual]:
    """What holds for the samples of each track."""
    found = {}
    for box in inside(file, moov, b"mvex", b"trex"):
        content = _content(file, box)
        if len(content) >= 20:
            found[int.from_bytes(content[4:8])] = _Usual(*struct.unpack_from(">II", content, 12))
    return found


def _gaps(fragments: list[_Fragment], numbers: set[int]) -> Iterator[Hole]:
    steps, present = [], sorted(numbers)
    for before, after in pairwise(fragments):
        between = bisect_left(present, after.number) - bisect_right(present, before.number)
        missing = after.number - before.number - 1 - between
        gap = (after.begin or 0) - (before.begin or 0) - before.length
        steps.append((missing, gap / max(before.length / before.count, 1), after.box.start))
    usual = max((missing for missing, frames, _ in steps if frames <= _JITTER), default=0)
    for missing, frames, at in steps:
        if missing > max(usual, 0) and frames > _JITTER:
            yield Hole(at, at, max(1, round(frames)))


def _top(file: IO[bytes], size: int) -> Iterator[Box | Hole]:
    """The boxes of the file itself, and the places where there is none."""
    at = last = 0
    while at < size:
        box = next(boxes(file, at, size), None)
        if box and _KIND.fullmatch(box.kind):
            yield box
            at, last = box.end, at
            continue
        after = _find(file, last + 8, size)
        if after < size:
            yield Hole(last, after)
        at = last = after


def _find(file: IO[bytes], at: int, size: int) -> int:
    """Where the next fragment begins; `size` if there is none."""
    while at < size:
        file.seek(at)
        block = file.read(_BLOCK)
        found = _START.search(block, 4)
        if found:
            return at + found.start() - 4
        at += max(1, len(block) - 7)
    return size


def _read(file: IO[bytes], moof: Box, track: int, usual: dict[int, _Usual]) -> _Fragment:
    fragment = _Fragment(moof, 0)
    for box in boxes(file, moof.start, moof.end):
        if box.kind == b"mfhd":
            fragment.number = int.from_bytes(_content(file, box)[4:8])
        elif box.kind == b"traf":
            _add(file, box, track, usual, fragment)
    return fragment


def _add(file: IO[bytes], traf: Box, track: int, usual: dict[int, _Usual], fragment: _Fragment) -> None:
    """Add what a fragment has of one track: the bytes of any, the rest of the video."""
    here, is_video = _Usual(), False
    for box in boxes(file, traf.start, traf.end):
        content = _content(file, box)
        if len(content) < 8:
            continue
        if box.kind == b"tfhd":
            flags, number = struct.unpack_from(">II", content)
            here, is_video = _usual_here(content, flags, usual.get(number, here)), number == track
        elif box.kind == b"tfdt" and is_video:
            fragment.begin = _number(file, box, 4)
        elif box.kind == b"trun":
            count, length, size = _run(content, here)
            fragment.size += size
            fragment.count += count * is_video
            fragment.length += length * is_video


def _usual_here(content: bytes, flags: int, usual: _Usual) -> _Usual:
    at, told = 8 + 8 * bool(flags & _BASE) + 4 * bool(flags & _DESCRIPTION), []
    for flag, before in ((_DURATION, usual.length), (_SIZE, usual.size)):
        told.append(int.from_bytes(content[at : at + 4]) if flags & flag else before)
        at += 4 * bool(flags & flag)
    return _Usual(*told)


def _run(content: bytes, usual: _Usual) -> tuple[int, int, int]:
    """How many samples a run has, how long they last, and how many bytes they take."""
    flags, count = struct.unpack_from(">II", content)
    at = 8 + 4 * bool(flags & _OFFSET) + 4 * bool(flags & _FIRST_FLAGS)
    fields = [field for field in _SAMPLE_FIELDS if flags & field]
    numbers = np.frombuffer(content[at : at + (len(content) - at) // 4 * 4], ">u4").astype(np.int64)
    told = min(count, len(numbers) // max(len(fields), 1)) * len(fields)
    table = numbers[:told].reshape(-1, max(len(fields), 1))
    sums = dict(zip(fields, table.sum(axis=0).tolist(), strict=False))
    length, size = _SAMPLE_FIELDS[:2]
    return count, sums.get(length, count * usual.length), sums.get(size, count * usual.size)


def _number(file: IO[bytes], box: Box, at: int) -> int:
    """A number of four bytes, or of eight in version 1."""
    content = _content(file, box)
    return int.from_bytes(content[at : at + (8 if content[:1] == b"\1" else 4)])


def _content(file: IO[bytes], box: Box) -> bytes:
    file.seek(box.start)
    return file.read(box.end - box.start)
