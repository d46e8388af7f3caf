"""Frames of a video, evenly spaced in time, read forward and one at a time.

PyAV decodes, not OpenCV. Both use FFmpeg and give the same pixels, but PyAV shows the packets. So this
module sees a missing end without decoding; skips frames that nobody wants and no other frame needs, and
whole groups of pictures without a wanted frame (which saves two thirds of the time, or nearly all of it in
a long video); tells frames that an edit list hides from lost ones; and knows which frames failed to decode.
OpenCV 4.14 also returns garbage for interlaced H.264; PyAV does not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from face_extraction.animation import is_picture, read_pictures
from face_extraction.container import ERRORS, decoder, each_packet, open_video
from face_extraction.images import Unreadable, check_readable
from face_extraction.ledger import DAMAGED, TRUNCATED, ItemFailed
from face_extraction.packets import DECODING_ORDER, JUMP_SECONDS, Damage, Packets, read_packets
from face_extraction.picture import View, upright
from face_extraction.spacing import middles_in_time

# Decoders that can skip frames nobody needs, as told between two packets.
_CAN_SKIP = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"})
_NOTHING = "the container opens, but no frame of it can be decoded"


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One frame of a video.

    Attributes:
        index: its number in the video, from 0.
        time: seconds from the video's start.
        rgb: uint8 of shape (height, width, 3): the picture as `picture.upright` makes it.
    """

    index: int
    time: float
    rgb: NDArray[np.uint8]


class _Decoded(NamedTuple):
    """PyAV's frame, the place of its packet in the file, and how to view it."""

    place: int
    frame: Any
    view: View


@dataclass(frozen=True, eq=False)
class _Plan:
    """The part of a video to decode.

    Attributes:
        stretches: pairs of first and last places, ascending, without overlap.
        needed: the places of the wanted frames; None for all.
    """

    stretches: tuple[tuple[int, float], ...] = ((0, float("inf")),)
    needed: frozenset[int] | None = None


def read_frames(path: Path, *, count: int | None = None, first: bool = False) -> Iterator[Frame]:
    """Yield frames of the whole video one at a time, so that memory does not grow with their number.

    The video's time is divided into `count` equal parts, and the frame on the screen in the middle of each
    part is taken, or a neighbour if that frame is taken already. The file is read forward and to its end:
    seeking is slower, and only reading shows a missing end. Times come from the container, because phones
    record at a varying rate, so that index / frame rate would be wrong.

    Args:
        path: the video file.
        count: how many frames; all of them if the video has fewer, or if it is None.
        first: read the first frame only, and look at nothing else.

    Raises:
        Unreadable: no frame can be read, or (reason "failed") the system cannot read the file.
        ItemFailed: raised after the last frame; the frames before it are good. "truncated":
            the video ends before its container says. "damaged": wanted frames cannot be decoded.
    """
    if is_picture(path):
        for shown in islice(read_pictures(path, count=count), 1 if first else None):
            yield Frame(shown.index, shown.time, shown.rgb)
        return
    if first:
        yield _first(path)
        return
    packets = read_packets(path)
    damage = Damage(set(packets.broken))
    if packets.is_timed:
        packets = _without_leading(path, packets)
    else:
        packets = _timed_by_decoder(path, packets, damage)
    wanted = _wanted(packets, count)
    got = 0
    for decoded in _sound(path, packets, wanted, damage):
        index = int(packets.number[decoded.place])
        seconds = round(float(packets.timeline[index]) * packets.tick, 6)
        yield Frame(index, seconds, upright(path, decoded.frame, decoded.view, decoded.place))
        got += 1
    _judge(path, packets, damage, len(wanted), got)


def _judge(path: Path, packets: Packets, damage: Damage, due: int, got: int) -> None:
    """Raise an error if the video is damaged or `got` of its `due` wanted frames is too few."""
    bad = len(damage.places) + packets.missing
    if packets.lost or got < due or bad:
        check_readable(path)
    if packets.lost:
        raise ItemFailed(TRUNCATED, packets.lost)
    if not got and not packets.broken:
        raise Unreadable(path, _NOTHING)
    if got < due or bad:
        raise ItemFailed(DAMAGED, f"{due - got} of {due} wanted frames, {bad} packets cannot be decoded")


def _first(path: Path) -> Frame:
    damage = Damage()
    for decoded in _decode(path, _Plan(), damage):
        if decoded.place in damage.places:
            check_readable(path)
            raise ItemFailed(DAMAGED, "the first frame cannot be decoded whole")
        return Frame(0, 0.0, upright(path, decoded.frame, decoded.view, decoded.place))
    check_readable(path)
    raise Unreadable(path, _NOTHING)


def _wanted(packets: Packets, count: int | None) -> list[int]:
    """The numbers of the wanted frames, including those lost with the end."""
    timeline = packets.timeline
    if count is None or count >= len(timeline):
        return list(range(packets.frames))
    step = int(timeline[-1] - timeline[-2]) if len(timeline) > 1 else 1
    # With a varying rate the file does not say how long the last frame lasts: no longer than usual.
    usual = int(np.median(np.diff(timeline))) if len(timeline) > 1 else 1
    return [int(n) for n in middles_in_time(timeline, int(timeline[-1]) + min(step, usual), count)]


def _without_leading(path: Path, packets: Packets) -> Packets:
    """Hide the frames before the first key that need frames cut off before it: no player shows them.

    Only the decoder can tell them from frames that need nothing, so the first group is decoded.
    """
    if not len(packets.times):
        return packets
    leading = np.flatnonzero(packets.shown & (packets.times < packets.times[0]))
    if not len(leading):
        return packets
    damage = Damage()
    plan = _Plan(((0, int(leading[-1])),))
    given = {decoded.place for decoded in _decode(path, plan, damage)}
    corrupt = damage.places & given  # The decoder filled their gaps, because what they need was cut off.
    absent = [at for at in leading.tolist() if at not in given | damage.places or at in corrupt]
    shown = packets.shown.copy()
    shown[absent] = False
    return replace(packets, shown=shown, frames=packets.frames - len(absent))


def _timed_by_decoder(path: Path, packets: Packets, damage: Damage) -> Packets:
    """Time the packets as the decoder shows them, in milliseconds.

    A packet that cannot be decoded counts as a frame.
    """
    if not len(packets.times):
        return packets
    with open_video(path) as (container, stream, _):
        base, step = float(stream.time_base), 1 / float(stream.average_rate or 25)
        name = container.format.name
    count = len(packets.times)
    given: list[tuple[int, float | None]] = []
    for decoded in _decode(path, _Plan(((packets.first, count - 1),)), damage):
        pts = decoded.frame.pts
        given.append((decoded.place, None if pts is None else pts * base))
    if name in DECODING_ORDER:  # Sorting turns times of decoding into times of showing.
        known = iter(sorted(seconds for _, seconds in given if seconds is not None))
        given = [(place, next(known, None)) for place, _ in given]
    sequence = _with_lost(given, damage)
    clock = _clock([seconds for _, seconds in sequence], step, "mpeg" in name)
    # Frames that are never shown may be needed by any other: they count as shown last.
    times = np.full(count, clock[-1] + 1 if clock else 0, np.int64)
    places = [place for place, _ in sequence]
    times[places] = clock
    shown = np.zeros(count, np.bool_)
    shown[places] = True
    return replace(packets, times=times, shown=shown, frames=len(places), tick=0.001)


def _with_lost(given: list[tuple[int, float | None]], damage: Damage) -> list[tuple[int, float | None]]:
    """The frames given, each preceded by the damaged packets before it that gave none."""
    lost = sorted(damage.places - {place for place, _ in given}, reverse=True)
    sequence: list[tuple[int, float | None]] = []
    for place, seconds in given:
        while lost and lost[-1] < place:
            sequence.append((lost.pop(), None))
        sequence.append((place, seconds))
    return sequence + [(place, None) for place in reversed(lost)]


def _clock(told: list[float | None], step: float, jumps: bool) -> list[int]:
    """Ascending milliseconds: a frame without a time, or on another clock, comes one step later."""
    now, offset, clock = -step, 0.0, list[int]()
    for seconds in told:
        time = now + step if seconds is None else seconds + offset
        if not clock or time <= now or (jumps and time - now > JUMP_SECONDS):
            offset += now + step - time
            time = now + step
        now = time
        clock.append(max(round(1000 * now), clock[-1] + 1 if clock else 0))
    return clock


def _sound(path: Path, packets: Packets, wanted: list[int], damage: Damage) -> Iterator[_Decoded]:
    """The undamaged wanted frames, ascending.

    With intra refresh a key gives no picture at once. Frames missing without damage, and all after them,
    are therefore decoded again from earlier keys.
    """
    todo = [int(packets.order[number]) for number in wanted if number < len(packets.order)]
    back = 0
    while todo:
        for decoded in _pass(path, packets, todo, back, damage):
            if decoded.place not in todo:
                continue
            at = todo.index(decoded.place)
            if any(_retry(packets, place, back, damage) for place in todo[:at]):
                break
            del todo[: at + 1]
            yield decoded
        todo = [place for place in todo if _retry(packets, place, back, damage)]
        back = max(1, 2 * back)


def _retry(packets: Packets, place: int, back: int, damage: Damage) -> bool:
    """Whether decoding from an earlier key may give a missing frame."""
    return packets.is_timed and packets.start(place, back) > 0 and not damage.reaches(place, packets, back)


def _pass(path: Path, packets: Packets, todo: list[int], back: int, damage: Damage) -> Iterator[_Decoded]:
    """The undamaged frames at the places `todo`, in the order in which they are shown."""
    needed = frozenset(todo)
    plan = _Plan(_stretches(packets, todo, back), needed if packets.is_timed else None)
    # A frame may need others that are shown after it, so whether it is undamaged is known only later.
    held: list[_Decoded] = []
    for decoded in _decode(path, plan, damage, packets.broken):
        while held and packets.times[decoded.place] >= packets.settled(held[0].place, back):
            yield from _release(held, packets, back, damage)
        if decoded.place in needed:
            held.append(decoded)
    while held:
        yield from _release(held, packets, back, damage)


def _release(held: list[_Decoded], packets: Packets, back: int, damage: Damage) -> Iterator[_Decoded]:
    decoded = held.pop(0)
    if not damage.reaches(decoded.place, packets, back):
        yield decoded


def _stretches(packets: Packets, todo: list[int], back: int) -> tuple[tuple[int, int], ...]:
    """First and last places to decode: from a key to the wanted frames."""
    if not packets.is_timed or len(todo) == packets.shown.sum():
        return ((packets.first, max(todo)),)
    stretches: list[tuple[int, int]] = []
    for at in sorted(todo):
        start, end = packets.start(at, back), at
        # Decoding for this frame may begin before earlier stretches: merge them.
        while stretches and start <= stretches[-1][1]:
            first, last = stretches.pop()
            start, end = min(start, first), max(end, last)
        stretches.append((start, end))
    return tuple(stretches)


def _decode(
    path: Path, plan: _Plan, damage: Damage, broken: frozenset[int] = frozenset()
) -> Iterator[_Decoded]:
    """Decode the frames of the plan's stretches in the order shown, damaged ones included."""
    with open_video(path) as (container, stream, track):
        context, view = decoder(stream), View(container, stream, track.crop)
        context.copy_opaque = True
        can_skip = plan.needed is not None and context.name in _CAN_SKIP
        stretches = iter(plan.stretches)
        start, end = next(stretches, (0, -1))
        place = -1
        for place, packet in enumerate(each_packet(container, stream)):
            if place > end:
                yield from _drain(context, place - 1, view, damage)
                context.flush_buffers()
                start, end = next(stretches, (0, -1))
                if end < 0:
                    return
            if place < start or place in broken:
                continue
            if can_skip:
                context.skip_frame = "DEFAULT" if place in (plan.needed or ()) else "NONREF"
            packet.opaque = (place,)  # PyAV keys it by address, and equal small numbers share one.
            yield from _frames(context, packet, place, view, damage)
        yield from _drain(context, place, view, damage)


def _drain(context: Any, place: int, view: View, damage: Damage) -> Iterator[_Decoded]:
    return _frames(context, None, place, view, damage)


def _frames(context: Any, packet: Any, place: int, view: View, damage: Damage) -> Iterator[_Decoded]:
    try:
        frames = context.decode(packet)
    except MemoryError:
        raise
    except ERRORS:  # Only this packet is bad; the next may be good.
        damage.places.add(place)
        return
    view.saw(place, context)
    for frame in frames:
        at = place if frame.opaque is None else frame.opaque[0]
        if frame.is_corrupt:
            damage.places.add(at)
        yield _Decoded(at, frame, view)
