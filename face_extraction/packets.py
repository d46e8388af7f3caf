"""What stands in a clip's file: its packets, what is missing at its end, and what of it is damaged.

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
from numpy.typing import NDArray

from face_extraction.images import MAX_PIXELS, Unreadable, check_readable, open_file

# MP4 and its kin list every frame. The others, and an MP4 in fragments (DASH), tell only their length, from
# which a healthy clip may fall short by a little: at most by this many seconds, or this share of the length.
TIME_TOLERANCE, SHARE_TOLERANCE = 0.2, 0.01
_LISTS_FRAMES = "mov,mp4"
# VP8's packets can hold pictures that are never shown; AVI knows no time of showing.
_UNTIMED = frozenset({"vp8", "avi"})
# FFmpeg's errors are no OSError of ours: the file was opened before.
ERRORS = (av.error.FFmpegError, OSError, ValueError)


@dataclass(frozen=True, eq=False)
class Packets:
    """The packets of a clip in the file's order, 10 bytes of memory each.

    Attributes:
        times: when each is shown, in the stream's time base; empty where the packets do not tell.
        keys: whether decoding can begin there.
        shown: whether an edit list shows it.
        lost: what is missing at the end, in words; "" if nothing.
        said: how many frames the container lists, or how many there are.
    """

    times: NDArray[np.int64]
    keys: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    lost: str
    said: int

    def start(self, at: int) -> int:
        """The place of the key frame at which decoding must begin for the frame at place `at`."""
        # A frame shown before the key frame that it follows in the file needs the key frame before.
        for number in range(int(np.searchsorted(self._key_places, at, side="right")) - 1, -1, -1):
            place = int(self._key_places[number])
            if self.times[place] <= self.times[at]:
                return place
        return 0

    @cached_property
    def _key_places(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.keys)

    def settled(self, at: int) -> int:
        """The time of showing from which on all is known of the frames that come before place `at`."""
        return int(self.times[self.start(at) : at + 1].max())


@dataclass(eq=False, slots=True)
class Damage:
    """What cannot be decoded of a clip.

    Attributes:
        places: of the packets, in the file's order, that are or can be damaged.
        count: how many packets gave an error or a picture with gaps filled in.
    """

    places: set[int] = field(default_factory=set)
    count: int = 0

    def add(self, place: int, delay: int = 0) -> None:
        """The packet at `place` is damaged, or, as is told so much later, one of `delay` before it."""
        self.places.update(range(max(place - delay, 0), place + 1))
        self.count += 1

    def reaches(self, place: int, packets: Packets) -> bool:
        """Whether a frame is, or may be predicted from, a damaged one: one since its key frame."""
        if not self.places:
            return False
        start = packets.start(place)
        # What is shown before the key frame that it follows in the file is needed by no frame shown later.
        return any(
            start <= other <= place and packets.times[other] >= packets.times[start] for other in self.places
        )


@contextmanager
def open_clip(path: Path, threads: int = 1) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream."""
    with open_file(path) as opened:
        if not opened.seek(0, os.SEEK_END):
            raise Unreadable(path, "the file is empty")
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
        # Sound files can hold a cover picture as a "video".
        streams = [
            s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic
        ]
        context = streams[0].codec_context if streams else None
        if context is None or not context.width:
            raise Unreadable(path, "no video in it (sound only, or a codec that is not known)")
        if context.width * context.height > MAX_PIXELS:
            raise Unreadable(path, f"frames of more than {MAX_PIXELS:,} pixels")
        context.thread_count = threads
        context.thread_type = "SLICE" if threads == 1 else "AUTO"
        yield container, streams[0]


def read_packets(path: Path) -> Packets:
    """Read through the clip without decoding it."""
    times: list[int] = []
    flags = bytearray()
    told, cut, end = True, False, 0.0
    with open_clip(path) as (container, stream):
        listed = len(stream.index_entries) if container.format.name.startswith(_LISTS_FRAMES) else 0
        lists_all = bool(listed and stream.frames)  # Of a file in fragments each lists its own.
        told = not {stream.codec_context.name, container.format.name} & _UNTIMED
        chunks: list[NDArray[np.int64]] = []
        try:
            for packet in container.demux():
                if packet.size and packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index != stream.index or not packet.size:
                    continue
                if packet.is_corrupt:
                    cut = True
                    continue
                told = told and packet.pts is not None
                times.append(packet.pts or 0)
                flags.append(packet.is_keyframe | (not packet.is_discard) << 1)
                if len(times) == 4096:
                    chunks.append(np.array(times, np.int64))
                    times.clear()
        except ERRORS:
            cut = True
        # Matroska counts its length from 0, the others from the first packet.
        end -= 0 if "matroska" in container.format.name else (container.start_time or 0) / av.time_base
        length = (container.duration or 0) / av.time_base
    pts = np.concatenate([*chunks, np.array(times, np.int64)])
    bits = np.frombuffer(bytes(flags), np.uint8)
    keys, shown = bits & 1 > 0, bits & 2 > 0
    told = told and len(np.unique(pts[shown])) == shown.sum() and bool(keys[:1].all())
    hidden = len(shown) - int(shown.sum())
    lost, said = "", int(shown.sum())
    if listed > len(pts):
        lost, said = f"read {said} of {listed - hidden} frames", listed - hidden
    elif cut or (not lists_all and length - end > max(TIME_TOLERANCE, SHARE_TOLERANCE * length)):
        lost = f"the file breaks off: read {end:.2f} of {max(length, end):.2f} seconds"
    return Packets(pts if told else pts[:0], keys, shown, lost, said)


def whole_packets(container: Any, stream: Any) -> Iterator[Any]:
    """The packets that `read_packets` counts, up to the first that cannot be read: that was noticed then."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size and not packet.is_corrupt)
    except ERRORS:
        return
