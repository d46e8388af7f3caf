"""Read a video's packets: which frames it has, what is missing at its end, and what is damaged.

PyAV shows the packets, so none of this needs decoding.
"""

import math
import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.context import CodecContext, Flags
from av.stream import Disposition
from numpy.typing import NDArray

from face_extraction import asf, avi, flv, fragments, matroska, ogg, transport
from face_extraction.described import describe, needs_dolby_vision
from face_extraction.errors import unforeseen
from face_extraction.holes import HoleFinder, spread
from face_extraction.images import Unreadable, check_frame, check_readable, open_file
from face_extraction.ledger import FAILED
from face_extraction.matroska import Track
from face_extraction.tables import check_tables
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
_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
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
# FFmpeg's OSErrors say nothing about the disk: the file was opened before. Its MemoryError is no damage: it
# is raised everywhere.
ERRORS = (av.error.FFmpegError, OSError, ValueError)
# Pictures that are not the video: covers, previews, and the tiles that make up a photo.
_NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent

# What FFmpeg reads as a video and is none: lists of other files, whose frames are not in this file and may be
# private, and text, which it draws.
_LISTS = {"hls", "concat", "dash", "imf"}
_TEXTS = {"tty", "bin", "xbin", "adf", "idf"}
# Several sizes of one picture, of which FFmpeg shows the first.
_ICONS = {"ico"}
# FFmpeg also takes for these what holds a JPEG anywhere, such as a PDF, a mail or a raw photo.
_JPEGS = {"mjpeg", "jpeg_pipe"}
# What FFmpeg reads as a video of one picture; those that are read as photos do not come here.
_PHOTO = "image2", "_pipe"
_NO_VIDEO = {
    "a list of other files": _LISTS,
    "text": _TEXTS,
    "an icon": _ICONS,
    "another kind of file with pictures in it": _JPEGS,
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
        said: how many frames the container lists, or how many there are.
        tick: its length in seconds.
        told: whether the packets say when they are shown; if not, the decoder must.
        first: the place where decoding begins; before it a file cut at its front has nothing to show.
        missing: how many pictures an AVI lists that are not there, because their heads are damaged.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    broken: frozenset[int]
    lost: str
    said: int
    tick: float
    told: bool
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
        tail = step * np.arange(1, self.said - len(times) + 1)
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


@contextmanager
def open_video(path: Path) -> Iterator[tuple[Any, Any, Track]]:
    """Open the container and the video stream that players show, with what the container says of it.

    One thread decodes: with several, damage is reported late, or differently from run to run.

    Raises:
        Unreadable: the file has no video, or the system cannot read it.
    """
    with open_file(path) as opened:
        if not opened.seek(0, os.SEEK_END):
            raise Unreadable(path, "the file is empty")
    check_tables(path)
    try:
        # "file:" keeps FFmpeg from reading a name as a protocol ("concat:..."), and the whitelist keeps
        # a playlist named .mp4 from fetching anything.
        # A name with "%d" stands for itself, not for the pictures beside it.
        container = av.open(
            f"file:{path.absolute()}",
            options={"protocol_whitelist": "file", "pattern_type": "none"},
            metadata_errors="ignore",
        )
    except MemoryError as error:  # The file may only claim to need so much.
        raise Unreadable(path, unforeseen(error), FAILED) from None
    except ERRORS:
        check_readable(path)
        raise Unreadable(path, "no video in it (another kind of file, or cut off early)") from None
    with container:
        formats = set(container.format.name.split(","))
        for kind, names in _NO_VIDEO.items():
            if formats & names and not (names is _JPEGS and _is_jpeg(path)):
                raise Unreadable(path, f"no video in it ({kind})")
        if container.format.name.endswith(_PHOTO) and not _is_jpeg(path):
            raise Unreadable(path, "no video in it (a photo of a kind that is not read)")
        stream = _main_stream(container)
        track = describe(path, container.format.name, stream)
        if track.is_encrypted:
            raise Unreadable(path, "its pictures are encrypted")
        if stream is None:
            raise Unreadable(path, "no video in it (only sound, or an unknown codec)")
        context = stream.codec_context
        check_frame((context.width, context.height), path)
        if needs_dolby_vision(track.dolby):
            raise Unreadable(path, "its colours need Dolby Vision, which is not read")
        context.thread_count, context.thread_type = 1, "SLICE"
        context.flags |= Flags.unaligned  # Else FFmpeg keeps up to 15 columns that are cropped away.
        if context.name == "mjpeg":  # Else FFmpeg says nothing of a picture whose rows break off.
            context.options = {"err_detect": "explode"}
        yield container, stream, track


def _is_jpeg(path: Path) -> bool:
    with open_file(path) as file:
        return file.read(2) == b"\xff\xd8"


def decoder(stream: Any) -> Any:
    """What decodes a stream's packets: FFmpeg's own decoders of VP8 and VP9 leave out what is transparent."""
    context = stream.codec_context
    if context.name not in _TRANSPARENT or stream.metadata.get("alpha_mode") != "1":
        return context
    context = CodecContext.create(_TRANSPARENT[context.name], "r")
    context.thread_count = 1
    return context


def _main_stream(container: Any) -> Any:
    """The first video marked as the default, else the first."""
    videos = [
        stream
        for stream in container.streams.video
        if not stream.disposition & _NOT_THE_VIDEO and stream.codec_context and stream.codec_context.width
    ]
    default = [stream for stream in videos if stream.disposition & Disposition.default]
    return next(iter(default + videos), None)


@dataclass(eq=False)
class _Read:
    """What is known about the packets while the file is read.

    Beside them: `longest` is the longest step that is no jump of the clock, in ticks.
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
    told: bool = True
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
        self.told = self.told and packet.pts is not None and step >= 0
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
    """Read through the video without decoding it."""
    with open_video(path) as (container, stream, _):
        name = container.format.name
        listed = len(stream.index_entries) if name.startswith(_LISTS_FRAMES) else 0
        lists_all = bool(listed and stream.frames)  # Each fragment lists only its own frames.
        # An AVI's list stands at its end: it is there, or only the first packets are known yet.
        pictures = sum(entry.size > 0 for entry in stream.index_entries) if name == "avi" else 0
        try:
            read = _read_through(
                container, stream, transport.breaks(path, stream.id) if name == "mpegts" else iter(())
            )
        except MemoryError as error:  # A packet may only claim to be so large.
            raise Unreadable(path, unforeseen(error), FAILED) from None
        read.told = read.told and not {stream.codec_context.name, name} & _UNTIMED
        # Some count their length from 0, FLV from the first packet's decoding, others from its showing.
        starts = {"matroska,webm": 0.0, "asf": 0.0, "flv": read.begin}
        read.end -= starts.get(name, (container.start_time or 0) / av.time_base)
        length, tick = (container.duration or 0) / av.time_base, float(stream.time_base)
        if name == "asf" and not length:
            length = asf.told_seconds(path)
        if name.startswith(_LISTS_FRAMES) and (told := fragments.told_seconds(path, stream.id)) is not None:
            length = told
        codec, reorders = stream.codec_context.name, stream.codec_context.has_b_frames
        broken, missing = _damage_told(path, name, stream, read)
        is_cut = _is_cut(path, name, read)
    missing = max(missing, pictures - len(read.flags))
    read.forgive_jumps()
    count = read.drop_cut_end()
    read.broken += [place for place in broken if place < count]
    times = np.array(read.times, np.int64)[:count]
    bits = np.frombuffer(bytes(read.flags), np.uint8)[:count]
    keys, shown = bits & 1 > 0, bits & 2 > 0
    told = read.told and len(np.unique(times[shown])) == shown.sum() and bool(keys[:1].all())
    if name in DECODING_ORDER and reorders and not keys.all() and (np.diff(times) > 0).all():
        told = False
    if told and name in _JUMPING:
        times = _without_jumps(times, round(JUMP_SECONDS / tick))
    first = 0 if codec in _KNOWS_START or not keys.any() else int(np.argmax(keys))
    hidden = count - int(shown.sum())
    lost, said = "", int(shown.sum())
    if listed > count:
        lost, said = f"read {said} of {listed - hidden} frames", listed - hidden
    elif read.cut or (not lists_all and length - read.end > max(TIME_TOLERANCE, SHARE_TOLERANCE * length)):
        lost = _breaks_off(read.end, length)
    elif is_cut:
        lost = _breaks_off(read.end, 0)
    if read.leaves:
        lost = "the video goes on in another stream, which is not read"
    return Packets(times, keys, shown, frozenset(read.broken), lost, said, tick, told, first, missing)


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
            if packet.stream_index == stream.index and packet.size:
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


def packets_of(container: Any, *streams: Any) -> Iterator[Any]:
    """The packets of some streams, or of all.

    A broadcast can begin another stream midway. PyAV raises IndexError at each of its packets, so they are
    skipped.
    """
    while True:
        try:
            yield from container.demux(*streams)
        except IndexError:
            continue
        return


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


def each_packet(container: Any, stream: Any) -> Iterator[Any]:
    """The packets that `read_packets` counts, up to the first unreadable one; that is reported already."""
    try:
        yield from (packet for packet in packets_of(container, stream) if packet.size)
    except MemoryError:
        raise
    except ERRORS:
        return
