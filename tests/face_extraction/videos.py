"""Videos as phones, editors and broadcasters write them: small, made by the tests themselves."""

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Rgb = np.ndarray
WIDTH, HEIGHT = 96, 64


def paint(index: int) -> Rgb:
    """The number in 8 black and white bars, a bit each."""
    bits = [255 * (index >> bit & 1) for bit in range(8)]
    return np.tile(np.repeat(np.uint8(bits), WIDTH // 8)[None, :, None], (HEIGHT, 1, 3))


def values(frames: Iterable[Any]) -> list[int]:
    """The numbers that `paint` painted."""
    bars = [frame.rgb.reshape(HEIGHT, 8, WIDTH // 8, 3).mean(axis=(0, 2, 3)) > 128 for frame in frames]
    return [sum(int(white) << bit for bit, white in enumerate(bar)) for bar in bars]


def write(
    path: Path,
    pictures: Iterable[Any],
    codec: str = "libx264",
    *,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    container_options: dict[str, str] | None = None,
    rate: int = 30,
    **settings: Any,
) -> Path:
    """Pictures are RGB arrays or frames of PyAV; `times` are milliseconds, else `rate` a second.

    `settings` are attributes of the encoder.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for index, picture in enumerate(pictures):
            frame = (
                av.VideoFrame.from_ndarray(picture, "rgb24") if isinstance(picture, np.ndarray) else picture
            )
            if index == 0:
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
                for name in ("color_primaries", "color_trc", "colorspace", "color_range"):
                    setattr(stream.codec_context, name, int(getattr(frame, name)))
            frame.pts, frame.time_base = (
                (index, Fraction(1, rate)) if times is None else (times[index], Fraction(1, 1000))
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def set_matrix(path: Path, *matrix: float) -> Path:
    """Overwrite an MP4's display matrix: a b u c d v x y w, of which u, v and w have 30 bits of fraction."""
    content = bytearray(path.read_bytes())
    box = content.find(b"tkhd")
    at = box + 8 + (32 if content[box + 4] == 1 else 20) + 16
    numbers = [int(value * (1 << 30 if place % 3 == 2 else 1 << 16)) for place, value in enumerate(matrix)]
    struct.pack_into(">9i", content, at, *numbers)
    path.write_bytes(content)
    return path


def cut(source: Path, target: Path, key: int) -> Path:
    """Drop what comes before key number `key`, without encoding anew."""
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        stream = container.streams.video[0]
        copied, seen = copy.add_stream_from_template(stream), 0
        for packet in container.demux(stream):
            seen += packet.is_keyframe and packet.size > 0
            if packet.size and seen > key:
                packet.stream = copied
                copy.mux(packet)
    return target


def element(name: int, content: bytes) -> bytes:
    """An element of Matroska."""
    return name.to_bytes((name.bit_length() + 7) // 8) + (len(content) | 1 << 56).to_bytes(8) + content


def describe(path: Path, *parents: int, add: bytes) -> Path:
    """Put elements into the description of a Matroska's first track, or into its parts."""
    content = path.read_bytes()
    path.write_bytes(_added(content, (0x18538067, 0x1654AE6B, 0xAE, *parents), add))
    return path


def _added(content: bytes, parents: Sequence[int], add: bytes) -> bytes:
    if not parents:
        return content + add
    at = 0
    while True:
        name = 9 - content[at].bit_length()
        length = 9 - content[at + name].bit_length()
        start = at + name + length
        size = int.from_bytes(content[at + name : start]) & ((1 << 7 * length) - 1)
        end = len(content) if size == (1 << 7 * length) - 1 else start + size
        if int.from_bytes(content[at : at + name]) == parents[0]:
            changed = _added(content[start:end], parents[1:], add)
            return content[:at] + element(parents[0], changed) + content[end:]
        at = end
