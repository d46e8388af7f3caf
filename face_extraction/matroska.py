"""Read from a Matroska or WebM file what FFmpeg does not tell: crops, Dolby Vision, damage.

Reference: RFC 8794 (EBML), RFC 9559 (Matroska).
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from face_extraction.holes import SECTOR, Hole, HoleFinder
from face_extraction.images import open_file

_SEGMENT, _TRACKS, _TRACK, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
_TYPE, _CODEC, _VIDEO = 0x83, 0x86, 0xE0
# The kinds of tracks that FFmpeg shows: video, sound, subtitles, metadata.
_STREAMS = frozenset({1, 2, 17, 33})
# Rows or columns to leave out at the left, top, right and bottom.
_CROPS = (0x54CC, 0x54BB, 0x54DD, 0x54AA)
# What belongs to a block beside its frame: here the way in which Dolby Vision is coded.
_MAPPING, _MAPPED_TYPE, _MAPPED = 0x41E4, 0x41E7, 0x41ED
_DOLBY = frozenset({int.from_bytes(kind) for kind in (b"dvcC", b"dvvC", b"dvwC")})
_ENCODINGS, _ENCRYPTION = 0x6D80, 0x5035
_CRC, _VOID = 0xBF, 0xEC
_FRAMES = frozenset({0xA3, 0xA0})
# Timestamp, the clusters' places, frames, silent tracks.
_IN_CLUSTER = frozenset({0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854, _CRC, _VOID})
# What stands beside clusters ends a cluster of unknown size: so does another file, joined to this one.
_BESIDE = frozenset(
    {_CLUSTER, 0x114D9B74, 0x1549A966, _TRACKS, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469}
    | {0x1A45DFA3, _SEGMENT}
)
_FILL = _BESIDE | {_VOID, _CRC}
_SIGNS = re.compile(b"|".join(re.escape(name.to_bytes(4)) for name in sorted(_BESIDE)))
# No element's head is longer than this: four bytes of name, eight of size.
_HEAD = 12
_BLOCK = 2**20
# The most bytes that are read of an element in a track's description.
_VALUE = 64


@dataclass(frozen=True)
class Track:
    """What the description of a video track says.

    Attributes:
        crop: the pixels to leave out at the left, top, right and bottom.
        dolby: the record that describes its Dolby Vision; b"" if there is none.
        is_encrypted: whether its frames are.
    """

    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    dolby: bytes = b""
    is_encrypted: bool = False


class _Element(NamedTuple):
    name: int
    head: int  # where it begins
    start: int  # of its content
    end: int  # of its content; the parent's end if its size is unknown
    sized: bool


def read_track(path: Path, index: int) -> Track:
    """What the file says of its stream number `index`, as FFmpeg counts.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        for segment in _inside(file, 0, file.seek(0, 2), _SEGMENT):
            for tracks in _inside(file, segment.start, segment.end, _TRACKS):
                entries = [
                    list(_elements(file, entry.start, entry.end))
                    for entry in _inside(file, tracks.start, tracks.end, _TRACK)
                ]
                shown = [entry for entry in entries if _is_stream(file, entry)]
                return _track(file, shown[index]) if index < len(shown) else Track()
    return Track()


def _is_stream(file: IO[bytes], entry: list[_Element]) -> bool:
    kinds = [_number(file, one) for one in entry if one.name == _TYPE]
    return bool(kinds and kinds[-1] in _STREAMS and any(one.name == _CODEC for one in entry))


def _track(file: IO[bytes], entry: list[_Element]) -> Track:
    crop, dolby, is_encrypted = dict.fromkeys(_CROPS, 0), b"", False
    for one in entry:
        if one.name == _VIDEO:
            for setting in _elements(file, one.start, one.end):
                if setting.name in crop:
                    crop[setting.name] = _number(file, setting)
        elif one.name == _MAPPING:
            told = {part.name: part for part in _elements(file, one.start, one.end)}
            if _MAPPED in told and _MAPPED_TYPE in told and _number(file, told[_MAPPED_TYPE]) in _DOLBY:
                dolby = _content(file, told[_MAPPED])
        elif one.name == _ENCODINGS:
            for way in _elements(file, one.start, one.end):
                is_encrypted |= any(part.name == _ENCRYPTION for part in _elements(file, way.start, way.end))
    left, top, right, bottom = (crop[name] for name in _CROPS)
    return Track((left, top, right, bottom), dolby, is_encrypted)


def holes(path: Path, finder: HoleFinder) -> Iterator[Hole]:
    """The damaged parts of a file's clusters: their elements do not fit, or their checksums are wrong.

    Not every writer gives checksums. Where one is wrong, it is unknown which frame of the cluster is damaged.

    Args:
        path: the file.
        finder: looks into the frames.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        segment = next(_inside(file, 0, size, _SEGMENT), None)
        at = segment.start if segment else size
        while at < size:
            element = _element(file, at, size)
            if element is None or not (element.name in _FILL or _is_followed(file, element, size)):
                after = _find_next(file, at + 1, size)
                if after < size:
                    yield Hole(at, after)
                at = after
            elif element.name == _CLUSTER:
                found, at = _check_cluster(file, element, size, finder)
                yield from found
            else:
                at = element.start if element.name == _SEGMENT else element.end


def breaks_off(path: Path) -> bool:
    """Whether the file ends inside a cluster that names its size.

    Raises:
        Unreadable: the system cannot open the file.
    """
    with open_file(path) as file:
        size = file.seek(0, 2)
        for segment in _inside(file, 0, size, _SEGMENT):
            clusters = _inside(file, segment.start, size, _CLUSTER)
            return any(cluster.end > size for cluster in clusters)
    return False


def _is_followed(file: IO[bytes], element: _Element, size: int) -> bool:
    """Whether an unknown element ends where a known one begins, or the file ends."""
    after = _element(file, element.end, size) if element.end < size else None
    return element.end == size or (after is not None and after.name in _FILL)


def _check_cluster(
    file: IO[bytes], cluster: _Element, size: int, finder: HoleFinder
) -> tuple[list[Hole], int]:
    """The damage in a cluster, and where the next element beside it begins."""
    at = last = cluster.start
    found: list[Hole] = []
    crc = b""
    while at < cluster.end:
        element = _element(file, at, size)
        if element and not cluster.sized and element.name in _BESIDE:
            return found, at
        fits = element and element.sized and element.end <= cluster.end and element.name in _IN_CLUSTER
        if element is None or not fits:
            after = _find_next(file, last + 1, size)
            # A file that breaks off has no damage in its middle.
            return found + [Hole(last, after)] * (after < size), after
        if element.name == _CRC and at == cluster.start:
            crc = _content(file, element)
        elif element.name in _FRAMES and element.end - at > SECTOR:
            file.seek(at)
            if finder.lacks_sectors(file.read(element.end - at), at):
                found.append(Hole(at, element.end))
        at, last = element.end, at
    told = not found and len(crc) == 4 and cluster.sized
    if told and _crc(file, cluster.start + 6, cluster.end) != int.from_bytes(crc, "little"):
        found.append(Hole(cluster.head, cluster.end, is_vague=True))
    return found, cluster.end


def _crc(file: IO[bytes], start: int, end: int) -> int:
    file.seek(start)
    crc = 0
    while start < end and (block := file.read(min(_BLOCK, end - start))):
        crc = zlib.crc32(block, crc)
        start += len(block)
    return crc


def _find_next(file: IO[bytes], at: int, size: int) -> int:
    """Where the next cluster, or what stands beside clusters, begins; `size` if there is none."""
    while at < size:
        file.seek(at)
        block = file.read(_BLOCK)
        found = _SIGNS.search(block)
        if found:
            return at + found.start()
        at += max(1, len(block) - 3)
    return size


def _inside(file: IO[bytes], start: int, end: int, name: int) -> Iterator[_Element]:
    return (one for one in _elements(file, start, end) if one.name == name)


def _elements(file: IO[bytes], start: int, end: int) -> Iterator[_Element]:
    end = min(end, file.seek(0, 2))  # No system goes to every place that damage can name.
    while start < end and (element := _element(file, start, end)):
        yield element
        start = element.end


def _element(file: IO[bytes], at: int, end: int) -> _Element | None:
    """The element at a place; None if none can stand there. `end` is that of its parent."""
    file.seek(at)
    head = file.read(_HEAD)
    name_size = 9 - head[0].bit_length() if head else 9
    if name_size > 4 or len(head) <= name_size:
        return None
    long = 9 - head[name_size].bit_length()
    start = name_size + long
    if long > 8 or len(head) < start:
        return None
    size = int.from_bytes(head[name_size:start]) & ((1 << 7 * long) - 1)
    sized = size != (1 << 7 * long) - 1
    name = int.from_bytes(head[:name_size])
    return _Element(name, at, at + start, at + start + size if sized else end, sized)


def _number(file: IO[bytes], element: _Element) -> int:
    return int.from_bytes(_content(file, element))


def _content(file: IO[bytes], element: _Element) -> bytes:
    file.seek(element.start)
    return file.read(min(element.end - element.start, _VALUE))
