"""Read a video's packets: which frames it has, what is missing at its end, and what is damaged.

PyAV shows the packets, so none of this needs decoding.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from face_extraction import asf, avi, flv, fragments, matroska, ogg, transport
from face_extraction.container import ERRORS, has_picture, open_video, packets_of
from face_extraction.errors import unforeseen
from face_extraction.holes import HoleFinder, spread
from face_extraction.images import Unreadable
from face_extraction.ledger import FAILED
from face_extraction.transport import PACKET, Break

# MP4 and its relatives list every frame. Other containers, and MP4 in fragments (DASH), give only a length. A
# healthy video may fall short of it by this many seconds, or by this share of the length.
TIME_TOLERANCE, SHARE_TOLERANCE = 0.2, 0.01
_LISTS_FRAMES = "mov,mp4"
# The clock of recordings and broadcasts may jump; a longer gap than this many seconds is a jump.
_JUMPING, JUMP_SECONDS = frozenset({"mpegts", "mpeg"}), 10.0
# VP8's packets can hold pictures that are never shown; AVI has no time of showing.
_UNTIMED = frozenset({"vp8", "avi"})
# They give times in decoding order: AVI always, ASF with B-frames, MXF with H.264.
DECODING_ORDER = frozenset({"asf", "avi", "mxf"})
# Their decoders know by themselves where a picture is whole, which need not be at a key.
_KNOWS_START = frozenset({"h264", "hevc"})
# Containers whose packets lie in the file as they are, in one piece.
_PLACES = ("mov,mp4", "avi", "ivf")
# How holes are found where only the container tells of them, and how an end inside something is.
_HOLES = {"asf": asf.holes, "flv": flv.holes, "ogg": ogg.holes}
_ENDS = {
    "avi": avi.breaks_off,
    "matroska": matroska.breaks_off,
    "mov,mp4": fragments.breaks_off,
    "mpegts": transport.breaks_off,
    "ogg": ogg.breaks_off,
}


@dataclass(frozen=True, eq=False)
class Packets:
    """A video's packets in the file's order; each takes 10 bytes of memory.

    Attributes:
        times: when each is shown, in ticks; no two shown packets have the same time.
        keys: whether decoding can begin there.
        shown: whether a player shows its frame.
        broken: the places of damaged packets.
        lost: what is missing at the end, in words; "" if nothing.
        frames: how many the container lists, or how many there are.
        tick: its length in seconds.
        is_timed: whether the packets say when they are shown; if not, the decoder must.
        first: the place where decoding begins; before it a file cut at its front has nothing to show.
        missing: how many pictures an AVI lists that are not there, because their heads are damaged.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    broken: frozenset[int]
    lost: str
    frames: int
    tick: float
    is_timed: bool
    first: int = 0
    missing: int = 0

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The places of the shown frames, in the order in which they are shown."""
        shown = np.flatnonzero(self.shown)
        return shown[np.argsort(self.times[shown], kind="stable")]

    @cached_property
    def number(self) -> NDArray[np.int64]:
        """Each packet's number among the shown frames; -1 if it is not shown."""
        numbers = np.full(len(self.times), -1)
        numbers[self.order] = np.arange(len(self.order))
        return numbers

    @cached_property
    def timeline(self) -> NDArray[np.int64]:
        """When frames are shown, in ticks from the first; frames lost at the end follow at the usual step."""
        times = self.times[self.order]
        if not len(times):
            return times
        step = max(int(np.median(np.diff(times))) if len(times) > 1 else 1, 1)
        tail = step * np.arange(1, self.frames - len(times) + 1)
        return np.concatenate([times - times[0], times[-1] - times[0] + tail])

    @cached_property
    def _key_places(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.keys)

    def start(self, at: int, back: int = 0) -> int:
        """The place of the key where decoding must begin for the frame at place `at`.

        Args:
            at: the frame's place.
            back: go back this many keys more, for keys that give no picture at once (intra refresh).
        """
        # A frame that is shown before the key ahead of it in the file needs an earlier key.
        for number in range(int(np.searchsorted(self._key_places, at, side="right")) - 1, -1, -1):
            if self.times[self._key_places[number]] <= self.times[at]:
                return int(self._key_places[number - back]) if number >= back else 0
        return 0

    def settled(self, at: int, back: int) -> int:
        """Once a frame shown at this time comes out, all damage up to place `at` is known."""
        return int(self.times[self.start(at, back) : at + 1].max())


@dataclass(eq=False, slots=True)
class Damage:
    """The places of damaged packets, which gave an error or a picture with gaps filled in."""

    places: set[int] = field(default_factory=set)

    def reaches(self, place: int, packets: Packets, back: int) -> bool:
        """Whether a frame is damaged, or may be predicted from a damaged frame since its key."""
        if not self.places:
            return False
        start = packets.start(place, back)
        # No later frame needs a frame that is shown before the key ahead of it in the file.
        return any(
            start <= other <= place and packets.times[other] >= packets.times[start] for other in self.places
        )


@dataclass(eq=False)
class _Read:
    """What is known about the packets while the file is read.

    Attributes:
        finder: tells whether a packet has a hole.
        is_placed: whether packets lie in the file as they are, in one piece.
        longest: the longest step of the clock that is no jump, in ticks.
        times: when each packet is shown, in ticks; 0 if it does not say.
        flags: of each, bit 0 whether decoding can begin there, bit 1 whether a player shows its frame.
        places: where each begins in the file, in bytes; -1 if that is not known.
        sizes: of each, in bytes.
        decoded: when each is decoded, in ticks; 0 if it does not say.
        jumps: of the clock behind damage: the packet's place, and the times of decoding before and after.
        broken: the places of damaged packets.
        is_timed: whether all packets so far say when they are shown, and are decoded in order.
        cut: whether the file breaks off.
        begin: the earliest time of decoding, in seconds, over all streams.
        end: the latest end of showing, in seconds, over all streams.
        last_dts: when the last packet is decoded, in ticks; None before the first.
        joins: whether another file begins with the next packet.
        leaves: whether the video goes on in another stream.
    """

    finder: HoleFinder
    is_placed: bool
    longest: float
    times: "array[int]" = field(default_factory=lambda: array("q"))
    flags: bytearray = field(default_factory=bytearray)
    places: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    decoded: "array[int]" = field(default_factory=lambda: array("q"))
    jumps: list[tuple[int, int, int]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    is_timed: bool = True
    cut: bool = False
    begin: float = math.inf
    end: float = 0.0
    last_dts: int | None = None
    joins: bool = False
    leaves: bool = False

    def add(self, packet: Any) -> None:
        place = len(self.flags)
        step = 0
        if packet.dts is not None and self.last_dts is not None:
            step = packet.dts - self.last_dts
        if packet.is_keyframe and (self.joins or not 0 <= step <= self.longest):
            # Clock or counters restart where two files were joined; that does not break the last packet.
            while self.broken and self.broken[-1] >= place - 2:
                self.broken.pop()
        elif packet.is_keyframe and step > 0 and self.broken and self.broken[-1] >= place - 2:
            self.jumps.append((place, self.last_dts or 0, packet.dts))
        self.joins = False
        at = packet.pos if self.is_placed else None
        if packet.is_corrupt or (self.finder.looks and self.finder.has_hole(bytes(packet), at)):
            self.broken.append(place)
        self.last_dts = packet.dts if packet.dts is not None else self.last_dts
        self.is_timed = self.is_timed and packet.pts is not None and step >= 0
        self.times.append(packet.pts or 0)
        self.decoded.append(packet.dts or 0)
        self.places.append(-1 if packet.pos is None else packet.pos)
        self.sizes.append(packet.size)
        self.flags.append(packet.is_keyframe | (not packet.is_discard) << 1)

    def add_break(self, found: Break) -> None:
        """Something is missing in the last packet or behind it, or another file or stream begins."""
        self.leaves = self.leaves or found.leaves
        if found.leaves:
            return
        self.joins = found.begins
        place = len(self.flags) - 1
        if place >= 0 and not found.begins and self.broken[-1:] != [place]:
            self.broken.append(place)

    def forgive_jumps(self) -> None:
        """Take back breaks where the clock jumps over a time that is elsewhere in the file.

        So it is with a transport stream's segments that were joined in another order: nothing is missing.
        """
        if not self.jumps:
            return
        clock = np.unique(np.array(self.decoded, np.int64))
        usual = 1.5 * float(np.median(np.diff(clock)))
        for place, before, after in self.jumps:
            first = int(np.searchsorted(clock, before, side="right"))
            last = int(np.searchsorted(clock, after)) - 1
            if first <= last and clock[first] - before <= usual and after - clock[last] <= usual:
                self.broken = [one for one in self.broken if not place - 2 <= one < place]

    def drop_cut_end(self) -> int:
        """Drop broken packets at the very end, where the file breaks off; returns how many are left."""
        count = len(self.flags)
        while self.broken and self.broken[-1] == count - 1:
            count = self.broken.pop()
            self.cut = True
        return count


def read_packets(path: Path) -> Packets:
    """Read through the video without decoding it.

    Raises:
        Unreadable: as `open_video`, or a packet claims to need more memory than there is.
    """
    with open_video(path) as (container, stream, _):
        name, codec, tick = container.format.name, stream.codec_context.name, float(stream.time_base)
        listed = len(stream.index_entries) if name.startswith(_LISTS_FRAMES) else 0
        lists_all = bool(listed and stream.frames)  # Each fragment lists only its own frames.
        # An AVI's list stands at its end: it is there, or only the first packets are known yet.
        pictures = sum(entry.size > 0 for entry in stream.index_entries) if name == "avi" else 0
        breaks = transport.breaks(path, stream.id) if name == "mpegts" else iter(())
        try:
            read = _read_through(container, stream, breaks)
        except MemoryError as error:  # A packet may only claim to be so large.
            raise Unreadable(path, unforeseen(error), FAILED) from None
        # Some count their length from 0, FLV from the first packet's decoding, others from its showing.
        starts = {"matroska,webm": 0.0, "asf": 0.0, "flv": read.begin}
        read.end -= starts.get(name, (container.start_time or 0) / av.time_base)
        length, reorders = _told_seconds(path, container, stream), stream.codec_context.has_b_frames
        broken, missing = _damage_told(path, name, stream, read)
        is_cut = _is_cut(path, name, read)
    missing = max(missing, pictures - len(read.flags))
    read.forgive_jumps()
    count = read.drop_cut_end()
    if not lists_all and length - read.end > max(TIME_TOLERANCE, SHARE_TOLERANCE * length):
        read.cut = True
    read.broken += [place for place in broken if place < count]
    times = np.array(read.times, np.int64)[:count]
    bits = np.frombuffer(bytes(read.flags), np.uint8)[:count]
    keys, shown = bits & 1 > 0, bits & 2 > 0
    # Where frames are reordered, times of showing do not ascend from packet to packet.
    in_decoding_order = reorders and not keys.all() and bool((np.diff(times) > 0).all())
    is_timed = (
        read.is_timed
        and not {codec, name} & _UNTIMED
        and not (name in DECODING_ORDER and in_decoding_order)
        and len(np.unique(times[shown])) == shown.sum()
        and bool(keys[:1].all())
    )
    if is_timed and name in _JUMPING:
        times = _without_jumps(times, round(JUMP_SECONDS / tick))
    first = 0 if codec in _KNOWS_START or not keys.any() else int(np.argmax(keys))
    there = int(shown.sum())
    frames = max(listed, count) - (count - there)
    lost = f"read {there} of {frames} frames" if listed > count else _lost_end(read, length, is_cut)
    return Packets(times, keys, shown, frozenset(read.broken), lost, frames, tick, is_timed, first, missing)


def _told_seconds(path: Path, container: Any, stream: Any) -> float:
    """How long the video is by what its container says; 0 if it says nothing."""
    name = container.format.name
    if name.startswith(_LISTS_FRAMES) and (told := fragments.told_seconds(path, stream.id)) is not None:
        return told
    length = float((container.duration or 0) / av.time_base)
    return asf.told_seconds(path) if name == "asf" and not length else length


def _lost_end(read: _Read, length: float, is_cut: bool) -> str:
    """What is missing at the end, in words; "" if nothing.

    Args:
        read: the packets.
        length: the video's by its container, in seconds; 0 if it says nothing.
        is_cut: whether the file ends inside what its container began.
    """
    if read.leaves:
        return "the video goes on in another stream, which is not read"
    if read.cut:
        return _breaks_off(read.end, length)
    return _breaks_off(read.end, 0) if is_cut else ""


def _damage_told(path: Path, name: str, stream: Any, read: _Read) -> tuple[list[int], int]:
    """The packets that are broken by what the container says, and how many more it says are missing."""
    places, keys = np.array(read.places, np.int64), np.frombuffer(bytes(read.flags), np.uint8) & 1 > 0
    if name == "avi":
        chunks = avi.listed(path, stream.index)
        found = [avi.Chunk(at, size) for at, size in zip(read.places, read.sizes, strict=True)]
        return avi.before_cuts(chunks, found), max(0, len(chunks) - len(found))
    if name.startswith(_LISTS_FRAMES):
        return spread(fragments.holes(path, stream.id), places, keys)
    if name.startswith("matroska"):
        return spread(matroska.holes(path, read.finder), places, keys, read.broken)
    if name in _HOLES:
        return spread(_HOLES[name](path), places, keys)
    return [], 0


def _is_cut(path: Path, name: str, read: _Read) -> bool:
    """Whether the file ends inside what its container began; a frame that FFmpeg filled up is broken."""
    if name == "dv" and read.sizes and read.places[-1] + read.sizes[-1] > path.stat().st_size:
        read.broken.append(len(read.sizes) - 1)
        return True
    return any(name.startswith(kind) and breaks_off(path) for kind, breaks_off in _ENDS.items())


def _breaks_off(end: float, length: float) -> str:
    if round(end, 2) >= round(length, 2):
        return f"the file breaks off after {end:.2f} seconds"
    return f"the file breaks off: read {end:.2f} of {length:.2f} seconds"


def _read_through(container: Any, stream: Any, breaks: Iterator[Break]) -> _Read:
    context = stream.codec_context
    # Where the content of Matroska's packets begins is not known; `matroska.holes` looks there.
    placed = container.format.name.startswith(_PLACES)
    longest = float(Fraction(JUMP_SECONDS) / stream.time_base)
    finder = HoleFinder(context.codec.canonical_name, context.extradata)
    read, gap = _Read(finder, placed, longest), next(breaks, None)
    # PyAV's fractions are slow: arithmetic with them took a third of the reading.
    ticks = {each.index: float(each.time_base or 0) for each in container.streams}
    try:
        for packet in packets_of(container):
            tick = ticks[packet.stream_index]
            if packet.size and packet.dts is not None:
                read.begin = min(read.begin, packet.dts * tick)
            if packet.size and packet.pts is not None and not packet.is_corrupt:
                read.end = max(read.end, (packet.pts + (packet.duration or 0)) * tick)
            if packet.stream_index == stream.index and has_picture(packet):
                while gap and packet.pos is not None and gap.at < packet.pos + PACKET:
                    read.add_break(gap)
                    gap = next(breaks, None)
                read.add(packet)
    except MemoryError:
        raise
    except ERRORS:  # Zeros behind a transport stream are one: its clock tells whether something is missing.
        read.cut = container.format.name != "mpegts"
    if gap:
        read.add_break(gap)
    return read


def _without_jumps(times: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Close jumps of the clock: the frame before a jump lasts one usual step."""
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order])
    if not (steps > longest).any():
        return times
    usual = int(np.median(steps[steps <= longest])) if (steps <= longest).any() else 1
    closed = np.empty_like(times)
    closed[order] = np.concatenate([[0], np.cumsum(np.where(steps > longest, max(usual, 1), steps))])
    return closed
