"""Damaged parts of a video file that its container tells of: decoders need not notice."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Disks lose sectors, and downloads blocks, that begin and end at multiples of this many bytes.
SECTOR = 512
_ZEROED = re.compile(rb"\0{%d,}" % SECTOR)
# So many zeros beside a lost part can be its neighbours' own.
CHANCE = 2
# Codecs that find their parts by start codes, so that they write no more than a few zeros inside a part.
_START_CODES = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"})
_ZEROS = 8
# Where H.264 and HEVC in MP4 and Matroska tell how many bytes the length of each part takes.
_PREFIX = {"h264": 4, "hevc": 21}
# Codecs that never write so many zeros one behind the other.
_LONGEST = {"dvvideo": 160, **dict.fromkeys(("wmv1", "wmv2", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3"), 128)}
# Codecs whose pictures look like noise.
_ENTROPY = frozenset(
    {
        "vp8",
        "vp9",
        "av1",
        "huffyuv",
        "ffvhuff",
        "ffv1",
        "utvideo",
        "magicyuv",
        "theora",
        "wmv3",
        "vc1",
        "qtrle",
    }
)
# So many zeros begin no packet of these codecs. Nor do they end one, but for black pictures of the first.
_BOOLEAN, _NO_BLACK_END = frozenset({"vp8", "vp9", "av1"}), frozenset({"qtrle"})
_NOTHING = 32


class Hole(NamedTuple):
    """A damaged or missing part.

    Attributes:
        start: where it begins, in bytes of the file.
        end: where the sound part behind it begins.
        lost: how many frames are surely missing there.
        is_vague: whether the damage lies anywhere inside, and may be that of a packet known to be broken.
    """

    start: int
    end: int
    lost: int = 0
    is_vague: bool = False


def spread(
    holes: Iterable[Hole], places: NDArray[np.int64], keys: NDArray[np.bool_], known: Iterable[int] = ()
) -> tuple[list[int], int]:
    """What holes do to a video's packets.

    Args:
        holes: the file's.
        places: where each packet begins, in bytes of the file.
        keys: whether decoding can begin there.
        known: the numbers of the packets that are known to be broken.

    Returns:
        the numbers of the packets that are broken, or may need one that is missing; and how many frames
        are missing: at least one where a hole holds no packet.
    """
    broken, known = list[int](), set(known)
    missing, order = 0, np.argsort(places, kind="stable")
    ascending = places[order]
    for hole in holes:
        first, last = np.searchsorted(ascending, (hole.start, hole.end)).tolist()
        inside = order[first:last].tolist()
        if hole.is_vague and not known.isdisjoint(inside):
            continue
        broken += inside
        missing += max(hole.lost, not inside)
        broken += [behind for behind in order[last : last + 1].tolist() if not keys[behind]]
    return broken, missing


class HoleFinder:
    """Finds zeros inside a video's packets that no encoder writes. Decoders take them for a picture.

    Other wrong bytes inside a packet cannot be told, unless the decoder does.
    """

    def __init__(self, codec: str, extradata: bytes | None = None) -> None:
        """Choose the codec.

        Args:
            codec: FFmpeg's name.
            extradata: what stands before the packets; tells how H.264 and HEVC part theirs.
        """
        self._has_start_codes, self._has_sectors = codec in _START_CODES, codec in _ENTROPY
        self._longest = _LONGEST.get(codec, 0)
        at = _PREFIX.get(codec)
        packed = at and extradata and len(extradata) > at and extradata[0] == 1
        self._prefix = 1 + (extradata[at] & 3) if packed and at and extradata else 0
        self._has_end = codec in _NO_BLACK_END or self._prefix > 0
        self._has_beginning = self._has_end or codec in _BOOLEAN

    @property
    def looks(self) -> bool:
        """Whether holes can be told in this codec's packets."""
        return self._has_start_codes or self._has_sectors or self._longest > 0

    def has_hole(self, content: bytes, at: int | None = None) -> bool:
        """Whether bytes of a packet were lost.

        Args:
            content: the packet.
            at: its place in the file, in bytes, if that is known.
        """
        if self._longest:
            return bytes(self._longest) in content
        if self._has_beginning and content.startswith(bytes(_NOTHING)):
            return True
        if self._has_end and lacks_end(content, at):
            return True
        if self._has_start_codes:
            return bytes(_ZEROS) in content and any(_has_zeros(unit) for unit in units(content, self._prefix))
        return at is not None and self.lacks_sectors(content, at)

    def lacks_sectors(self, content: bytes, at: int) -> bool:
        """Whether zeros stand in place of sectors, in this codec's packets; the arguments are those below."""
        return self._has_sectors and lacks_sectors(content, at)


def lacks_sectors(content: bytes, at: int) -> bool:
    """Whether zeros inside begin and end where sectors do; those of a black picture do not.

    Args:
        content: a part of a file that looks like noise.
        at: its place in the file, in bytes.
    """
    if bytes(SECTOR) not in content:  # Searching is faster than the pattern.
        return False
    # The bytes beside a hole can be zeros too.
    return any(
        -(at + zeros.start()) % SECTOR <= CHANCE and (at + zeros.end()) % SECTOR <= CHANCE
        for zeros in _ZEROED.finditer(content)
        if zeros.start() > 0 and zeros.end() < len(content)
    )


def units(content: bytes, prefix: int) -> Iterator[bytes]:
    """The units of H.264 or HEVC, each behind its length.

    Args:
        content: the packet.
        prefix: bytes of each length; 0 if start codes part the units: then the packet stays whole.
    """
    if not prefix:
        yield content
        return
    at = 0
    while at + prefix < len(content):
        start = at + prefix
        at = start + int.from_bytes(content[at:start])
        yield content[start:at]


def lacks_end(content: bytes, at: int | None) -> bool:
    """Whether zeros begin where a sector does, and fill the rest of a packet.

    Args:
        content: the packet.
        at: its place in the file, in bytes; None if that is not known.
    """
    if at is None or not content.endswith(bytes(_NOTHING)):
        return False
    return -(at + len(content.rstrip(b"\0"))) % SECTOR <= CHANCE


def _has_zeros(unit: bytes) -> bool:
    """Whether there are more zeros than these codecs write before a start code or at the end."""
    start = unit.find(bytes(_ZEROS))
    while start >= 0:
        rest = unit[start:].lstrip(b"\0")
        if rest and rest[0] != 1:
            return True
        start = unit.find(bytes(_ZEROS), len(unit) - len(rest)) if rest else -1
    return False
