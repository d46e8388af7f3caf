"""What stands in a video's file: its packets, what is missing at its end, and what of it is damaged.

PyAV shows the packets, so that all this is known without decoding a picture.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from face_extraction.boxes import check_tables
from face_extraction.images import MAX_PIXELS, Unreadable, check_readable, open_file

# MP4 and its kin list every frame. The others, and an MP4 in fragments (DASH), tell only their length, from
# which a healthy video may fall short by a little: at most by this many seconds, or this share of the length.
TIME_TOLERANCE, SHARE_TOLERANCE = 0.2, 0.01
_LISTS_FRAMES = "mov,mp4"
# Recordings and broadcasts, whose clock may jump; a jump of more than this many seconds is no long frame.
_JUMPING, JUMP_SECONDS = frozenset({"mpegts", "mpeg"}), 10.0
# VP8's packets can hold pictures that are never shown; AVI knows no time of showing.
_UNTIMED = frozenset({"vp8", "avi"})
# FFmpeg's errors are no OSError of ours: the file was opened before.
ERRORS = (av.error.FFmpegError, OSError, ValueError)
# Pictures that are not the video: covers, previews, and the tiles of which a photo is made.
_NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.dependent


@dataclass(frozen=True, eq=False)
class Packets:
    """The packets of a video in the file's order, 10 bytes of memory each.

    Attributes:
        times: when each is shown, in ticks; those that are shown have different times.
        keys: whether decoding can begin there.
        shown: whether it becomes a frame that a player shows.
        broken: the places of those that came in damaged.
        lost: what is missing at the end, in words; "" if nothing.
        said: how many frames the container lists, or how many there are.
        tick: seconds.
        told: whether the packets themselves tell when they are shown; else the decoder must.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    broken: frozenset[int]
    lost: str
    said: int
    tick: float
    told: bool

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """The places of the frames shown, in the order in which they are shown."""
        shown = np.flatnonzero(self.shown)
        return shown[np.argsort(self.times[shown], kind="stable")]

    @cached_property
    def number(self) -> NDArray[np.int64]:
        """Each packet's number among the frames shown; -1 where it is none."""
        numbers = np.full(len(self.times), -1)
        numbers[self.order] = np.arange(len(self.order))
        return numbers

    @cached_property
    def timeline(self) -> NDArray[np.int64]:
        """When the frames are shown, in ticks from the first; frames lost at the end count as due in step."""
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
        """The place of the key at which decoding must begin for the frame at place `at`.

        Args:
            at: the frame's place.
            back: so many keys earlier, where keys give no picture at once (intra refresh).
        """
        # A frame shown before the key that it follows in the file needs the key before.
        for number in range(int(np.searchsorted(self._key_places, at, side="right")) - 1, -1, -1):
            if self.times[self._key_places[number]] <= self.times[at]:
                return int(self._key_places[number - back]) if number >= back else 0
        return 0

    def settled(self, at: int, back: int) -> int:
        """The time of showing from which on all is known of the frames that come before place `at`."""
        return int(self.times[self.start(at, back) : at + 1].max())


@dataclass(eq=False, slots=True)
class Damage:
    """The places of the packets that are damaged: they gave an error, or a picture with gaps filled in."""

    places: set[int] = field(default_factory=set)

    def reaches(self, place: int, packets: Packets, back: int) -> bool:
        """Whether a frame is, or may be predicted from, a damaged one: one since its key."""
        if not self.places:
            return False
        start = packets.start(place, back)
        # What is shown before the key that it follows in the file is needed by no frame shown later.
        return any(
            start <= other <= place and packets.times[other] >= packets.times[start] for other in self.places
        )


@contextmanager
def open_video(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and the video stream that players show.

    It is decoded by one thread: several tell damage late, or not at all, from one run to the next.

    Raises:
        Unreadable: there is none, or the system cannot read the file.
    """
    with open_file(path) as opened:
        if not opened.seek(0, os.SEEK_END):
            raise Unreadable(path, "the file is empty")
    check_tables(path)
    try:
        # "file:", so that FFmpeg takes no name for a protocol ("concat:..."), and nothing but
        # files, so that a playlist named .mp4 fetches nothing.
        container = av.open(
            f"file:{path.absolute()}", options={"protocol_whitelist": "file"}, metadata_errors="ignore"
        )
    except ERRORS:
        check_readable(path)
        raise Unreadable(path, "no video in it (another kind of file, or cut off early)") from None
    with container:
        stream = _main_stream(container)
        if stream is None:
            raise Unreadable(path, "no video in it (sound only, or a codec that is not known)")
        context = stream.codec_context
        if context.width * context.height > MAX_PIXELS:
            raise Unreadable(path, f"frames of more than {MAX_PIXELS:,} pixels")
        context.thread_count, context.thread_type = 1, "SLICE"
        yield container, stream


def _main_stream(container: Any) -> Any:
    """The first video that is marked as the default, else the first."""
    videos = [
        stream
        for stream in container.streams.video
        if not stream.disposition & _NOT_THE_VIDEO and stream.codec_context and stream.codec_context.width
    ]
    default = [stream for stream in videos if stream.disposition & Disposition.default]
    return next(iter(default + videos), None)


@dataclass(eq=False)
class _Read:
    """What is gathered of the packets while the file is read."""

    times: list[int] = field(default_factory=list)
    flags: bytearray = field(default_factory=bytearray)
    chunks: list[NDArray[np.int64]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    told: bool = True
    cut: bool = False
    end: float = 0.0
    last_dts: int | None = None

    def add(self, packet: Any) -> None:
        place = len(self.flags)
        joined = packet.dts is not None and self.last_dts is not None and packet.dts < self.last_dts
        if joined and packet.is_keyframe and self.broken and self.broken[-1] >= place - 2:
            # Where two files were joined, the counters do not go on: that breaks none of the last packets.
            self.broken.pop()
        if packet.is_corrupt:
            self.broken.append(place)
        self.last_dts = packet.dts if packet.dts is not None else self.last_dts
        self.told = self.told and packet.pts is not None and not joined
        self.times.append(packet.pts or 0)
        self.flags.append(packet.is_keyframe | (not packet.is_discard) << 1)
        if len(self.times) == 4096:
            self.chunks.append(np.array(self.times, np.int64))
            self.times.clear()

    def drop_cut_end(self) -> int:
        """How many packets stand there whole: a broken one at the very end is where the file breaks off."""
        count = len(self.flags)
        while self.broken and self.broken[-1] == count - 1:
            count = self.broken.pop()
            self.cut = True
        return count


def read_packets(path: Path) -> Packets:
    """Read through the video without decoding it."""
    with open_video(path) as (container, stream):
        name = container.format.name
        listed = len(stream.index_entries) if name.startswith(_LISTS_FRAMES) else 0
        lists_all = bool(listed and stream.frames)  # Of a file in fragments each lists its own.
        read = _read_through(container, stream)
        read.told = read.told and not {stream.codec_context.name, name} & _UNTIMED
        # Matroska counts its length from 0, the others from the first packet.
        read.end -= 0 if "matroska" in name else (container.start_time or 0) / av.time_base
        length, tick = (container.duration or 0) / av.time_base, float(stream.time_base)
    count = read.drop_cut_end()
    times = np.concatenate([*read.chunks, np.array(read.times, np.int64)])[:count]
    bits = np.frombuffer(bytes(read.flags), np.uint8)[:count]
    keys, shown = bits & 1 > 0, bits & 2 > 0
    told = read.told and len(np.unique(times[shown])) == shown.sum() and bool(keys[:1].all())
    if told and name in _JUMPING:
        times = _without_jumps(times, round(JUMP_SECONDS / tick))
    hidden = count - int(shown.sum())
    lost, said = "", int(shown.sum())
    if listed > count:
        lost, said = f"read {said} of {listed - hidden} frames", listed - hidden
    elif read.cut or (not lists_all and length - read.end > max(TIME_TOLERANCE, SHARE_TOLERANCE * length)):
        lost = _breaks_off(read.end, length)
    return Packets(times, keys, shown, frozenset(read.broken), lost, said, tick, told)


def _breaks_off(end: float, length: float) -> str:
    if f"{end:.2f}" >= f"{length:.2f}" or end >= length:
        return f"the file breaks off after {end:.2f} seconds"
    return f"the file breaks off: read {end:.2f} of {length:.2f} seconds"


def _read_through(container: Any, stream: Any) -> _Read:
    read = _Read()
    try:
        for packet in container.demux():
            if packet.size and packet.pts is not None and not packet.is_corrupt:
                read.end = max(read.end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream_index == stream.index and packet.size:
                read.add(packet)
    except ERRORS:
        read.cut = True
    return read


def _without_jumps(times: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """The times with jumps of the clock closed: a frame that seemed to stand longer stands for one step."""
    order = np.argsort(times, kind="stable")
    steps = np.diff(times[order])
    if not (steps > longest).any():
        return times
    usual = int(np.median(steps[steps <= longest])) if (steps <= longest).any() else 1
    closed = np.empty_like(times)
    closed[order] = np.concatenate([[0], np.cumsum(np.where(steps > longest, max(usual, 1), steps))])
    return closed


def each_packet(container: Any, stream: Any) -> Iterator[Any]:
    """The packets that `read_packets` counts, up to the first that cannot be read: that was noticed then."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except ERRORS:
        return
