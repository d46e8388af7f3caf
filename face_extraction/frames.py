"""Frames of a clip, evenly spaced, read forward and one at a time.

Decoded by PyAV and not by OpenCV, though both are FFmpeg and give the same pixels, because PyAV shows
the packets: what is missing at a clip's end is seen without decoding it; a frame that no other frame
needs and nobody wants is not decoded, nor is a group of pictures without a wanted frame (a third of the
time, or nearly all of it in a long clip); what an edit list hides is told from what is lost; a frame
that could not be decoded is known as one. OpenCV 4.14 gives garbage for interlaced H.264; PyAV does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.animation import is_picture, read_pictures
from face_extraction.images import MAX_PIXELS, Unreadable, check_readable
from face_extraction.ledger import DAMAGED, TRUNCATED, ItemFailed
from face_extraction.packets import ERRORS, Damage, Packets, open_clip, read_packets, whole_packets

# Where a clip's size was rounded, pixels are said to be a little off square: that is not worth scaling.
SQUARE_TOLERANCE = 0.01

# Decoders that leave out the frames nobody needs when they are told so between two packets.
_CAN_SKIP = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"})


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One frame of a clip.

    Attributes:
        index: its number in the clip, from 0.
        time: seconds from the clip's start.
        rgb: uint8 of shape (height, width, 3), upright; of square pixels, wherefore a clip of others (DV,
            DVD) is scaled to the width at which players show it.
    """

    index: int
    time: float
    rgb: NDArray[np.uint8]


class _Decoded(NamedTuple):
    """A frame's number, its seconds from the start, PyAV's frame, and a pixel's width over its height.

    `place` is that of its packet in the file.
    """

    number: int
    seconds: float
    frame: Any
    aspect: float
    place: int


def read_frames(
    path: Path, *, count: int | None = None, first: bool = False, threads: int = 1
) -> Iterator[Frame]:
    """Yield frames of the whole clip, one at a time: memory does not grow with the clip's pictures.

    The clip is cut into `count` equal parts and the middle frame of each is taken. It is read
    forward and to its end, because seeking is slower and a missing end must be noticed. Times are
    the container's own: index / frame rate would be wrong for phones, whose rate varies.

    Args:
        path: the video file.
        count: how many frames; all of them where the clip has fewer, or where it is None.
        first: the first frame only; the rest is then not looked at.
        threads: of the decoder; 0 for as many as it likes.

    Raises:
        Unreadable: no frame can be read, or, as "failed", the system cannot read the file.
        ItemFailed: after the last frame was yielded; what was yielded before is good. "truncated":
            the clip ends before its container says. "damaged": wanted frames cannot be decoded.
    """
    if is_picture(path):
        for shown in islice(read_pictures(path, count=count), 1 if first else None):
            yield Frame(shown.index, shown.time, shown.rgb)
        return
    if first:
        yield from _first(path)
        return
    packets, damage = read_packets(path), Damage()
    if packets.times.size:
        wanted = _middles(packets.said, count)
        found = _decode_needed(path, packets, wanted, threads, damage)
    else:
        packets = _decode_before(path, packets, damage)
        wanted = _middles(packets.said, count)
        found = _decode_again(path, packets, wanted, threads, damage)
    got = 0
    for index, seconds, frame, aspect, _ in found:
        yield Frame(index, seconds, _upright(path, frame, aspect))
        got += 1
    due = packets.said if wanted is None else len(wanted)
    if packets.lost or got < due or damage.count:
        check_readable(path)
    if packets.lost:
        raise ItemFailed(TRUNCATED, packets.lost)
    if not got:
        raise Unreadable(path, "the container opens, but no frame of it can be decoded")
    if got < due or damage.count:
        raise ItemFailed(
            DAMAGED, f"{due - got} of {due} wanted frames, {damage.count} packets cannot be decoded"
        )


def _decode_before(path: Path, packets: Packets, damage: Damage) -> Packets:
    """`packets` as the decoder shows them, where they do not tell when; a frame's time is then its number."""
    numbers = {decoded.place: decoded.number for decoded in _decode_all(path, 1, damage)}
    total = max(numbers.values(), default=-1) + 1
    # Of what is never shown it is not known which frames need it: it counts as shown last.
    times = np.array([numbers.get(place, total) for place in range(len(packets.keys))], np.int64)
    return Packets(times, packets.keys, times < total, packets.lost, total)


def _decode_again(
    path: Path, packets: Packets, wanted: set[int] | None, threads: int, damage: Damage
) -> Iterator[_Decoded]:
    """The wanted frames that are sound, numbered and judged as by `_decode_before`."""
    for decoded in _decode_all(path, threads, Damage()):
        number = int(packets.times[decoded.place])
        due = number < packets.said and (wanted is None or number in wanted)
        if due and not damage.reaches(decoded.place, packets):
            yield decoded._replace(number=number)


def _first(path: Path) -> Iterator[Frame]:
    damage = Damage()
    for _, _, frame, aspect, place in _decode_all(path, 1, damage):
        if place in damage.places:
            check_readable(path)
            raise ItemFailed(DAMAGED, "the first frame cannot be decoded whole")
        yield Frame(0, 0.0, _upright(path, frame, aspect))
        return
    check_readable(path)
    raise Unreadable(path, "the container opens, but no frame of it can be decoded")


def _decode_all(path: Path, threads: int, damage: Damage) -> Iterator[_Decoded]:
    """Every frame, also damaged ones; a packet that cannot be decoded is counted as a frame."""
    index, begin, time = 0, None, 0.0
    with open_clip(path, threads) as (container, stream):
        step, aspect = 1 / float(stream.average_rate or 25), _aspect(stream)
        stream.codec_context.copy_opaque = True
        for place, packet in enumerate(chain(whole_packets(container, stream), [None])):
            if packet:
                packet.opaque = place
            before = damage.count
            frames = _decode(stream.codec_context, packet, place, damage)
            index += damage.count - before
            for frame in frames:
                at = place if frame.opaque is None else frame.opaque
                if frame.is_corrupt:
                    damage.add(at)
                # The last frames of an AVI have no time.
                time = time + step if frame.pts is None else float(frame.pts * stream.time_base)
                begin = time if begin is None else begin
                yield _Decoded(index, round(time - begin, 6), frame, aspect, at)
                index += 1


def _decode_needed(
    path: Path, packets: Packets, wanted: set[int] | None, threads: int, damage: Damage
) -> Iterator[_Decoded]:
    """The wanted frames that are sound, leaving out what they do not need."""
    shown = np.flatnonzero(packets.shown)
    places = shown[np.argsort(packets.times[shown])]
    order = packets.times[places]
    runs = iter(_runs(packets, order, wanted))
    start, end = next(runs, (0, -1))
    with open_clip(path, threads) as (container, stream):
        context = stream.codec_context
        can_skip, base, aspect = context.name in _CAN_SKIP, float(stream.time_base), _aspect(stream)
        # A frame is shown before others that it needs: whether they are sound is known only later.
        held: list[_Decoded] = []

        def sound(packet: Any, place: int) -> Iterator[_Decoded]:
            for frame in _decode(context, packet, place, damage):
                index = int(np.searchsorted(order, frame.pts)) if frame.pts is not None else len(order)
                if index == len(order) or order[index] != frame.pts:
                    continue
                if frame.is_corrupt:
                    damage.add(int(places[index]))
                elif wanted is None or index in wanted:
                    seconds = round(float(order[index] - order[0]) * base, 6)
                    held.append(_Decoded(index, seconds, frame, aspect, int(places[index])))
                while held and frame.pts >= packets.settled(held[0].place):
                    yield from release()
            while packet is None and held:
                yield from release()

        def release() -> Iterator[_Decoded]:
            decoded = held.pop(0)
            if not damage.reaches(decoded.place, packets):
                yield decoded

        for place, packet in enumerate(whole_packets(container, stream)):
            if place < start:
                continue
            if can_skip and wanted is not None:
                needed = int(np.searchsorted(order, packet.pts)) in wanted
                context.skip_frame = "DEFAULT" if needed else "NONREF"
            yield from sound(packet, place)
            if place == end:
                yield from sound(None, place)
                context.flush_buffers()
                start, end = next(runs, (0, -1))
                if end < 0:
                    return
        yield from sound(None, len(packets.times))


def _runs(packets: Packets, order: NDArray[np.int64], wanted: set[int] | None) -> list[tuple[int, int]]:
    """First and last packets of the stretches to decode: from a key frame to the frames wanted."""
    if wanted is None:
        return [(0, len(packets.times) - 1)] if len(packets.times) else []
    due = order[[index for index in wanted if index < len(order)]]
    runs: list[tuple[int, int]] = []
    for at in map(int, np.flatnonzero(packets.shown & np.isin(packets.times, due))):
        start, end = packets.start(at), at
        # Such a frame can begin before the runs of frames that stand before it in the file.
        while runs and start <= runs[-1][1]:
            first, last = runs.pop()
            start, end = min(start, first), max(end, last)
        runs.append((start, end))
    return runs


def _decode(context: Any, packet: Any, place: int, damage: Damage) -> list[Any]:
    try:
        return list(context.decode(packet))
    except ERRORS:  # Of this packet; the next may be sound. Decoders of several threads tell it later.
        damage.add(place, context.thread_count - 1)
        return []


def _middles(total: int, count: int | None) -> set[int] | None:
    """Indices of the middle frames of `count` equal parts of 0..total-1; None means all."""
    if count is None or count >= total:
        return None
    return {(2 * part + 1) * total // (2 * count) for part in range(count)}


def _aspect(stream: Any) -> float:
    """How many times as wide as high a pixel is to be shown."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if abs(aspect - 1) > SQUARE_TOLERANCE else 1.0


def _upright(path: Path, frame: Any, aspect: float) -> NDArray[np.uint8]:
    """The picture as a player shows it: of square pixels, head up."""
    width = max(round(frame.width * aspect), 1)
    if max(width, frame.width) * frame.height > MAX_PIXELS:
        raise Unreadable(path, f"frames of more than {MAX_PIXELS:,} pixels")
    rgb = frame.reformat(width=width, format="rgb24", threads=1).to_ndarray()
    return np.ascontiguousarray(np.rot90(rgb, round(frame.rotation / 90)))
