"""What a container says of a video's pictures that PyAV does not pass on: crop, Dolby Vision, encryption.

References: ISO/IEC 14496-12, 12.1.4 (clean aperture); Dolby Vision Streams Within the ISO Base Media File
Format (the record), and Within the MPEG-2 Transport Stream Format (its descriptor).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from face_extraction.boxes import Box, boxes, inside
from face_extraction.heif import aperture
from face_extraction.images import open_file
from face_extraction.matroska import Track, read_track
from face_extraction.transport import descriptor, is_scrambled

# Where the boxes in a picture's description begin, and the boxes that describe Dolby Vision.
_DESCRIPTION = 78
_DOLBY = frozenset({b"dvcC", b"dvvC", b"dvwC"})
# The same in a transport stream.
_DOLBY_TAG = 0xB0
# Profiles whose base every player can show, also where the record does not say to what it conforms.
_SHOWN_ANYWHERE = frozenset({4, 7, 8, 9})


def describe(path: Path, name: str, stream: Any) -> Track:
    """Read what the container says of its video.

    Args:
        path: the video.
        name: FFmpeg's name of the container.
        stream: PyAV's; None if it found no video, as in a transport stream that is encrypted.

    Raises:
        Unreadable: the system cannot read the file.
    """
    if name == "mpegts":
        told = descriptor(path, stream.id, _DOLBY_TAG) if stream else b""
        # Another stream's number stands before the last byte if the base is not in this one.
        record = told[:4] + told[4 if len(told) > 3 and told[3] & 1 else 6 :]
        return Track(dolby=record, is_encrypted=is_scrambled(path, stream.id if stream else None))
    if stream is None:
        return Track()
    if name.startswith("matroska"):
        return read_track(path, stream.index)
    if name.startswith("mov,mp4"):
        with open_file(path) as file:
            return _read_mp4(file, stream)
    return Track()


def needs_dolby_vision(record: bytes) -> bool:
    """Whether other players show the pictures in wrong colours: Dolby Vision without a base that fits.

    Args:
        record: describes the Dolby Vision; b"" if there is none.
    """
    if len(record) < 4:
        return False
    compatible = record[4] >> 4 if len(record) > 4 else 0
    return not compatible and record[2] >> 1 not in _SHOWN_ANYWHERE


def _read_mp4(file: IO[bytes], stream: Any) -> Track:
    width, height = stream.codec_context.width, stream.codec_context.height
    crop, dolby, is_encrypted = None, b"", False
    for box in _described(file, stream.id):
        file.seek(box.start)
        if box.kind == b"clap" and box.end - box.start >= 32 and not crop:
            edges = aperture(struct.unpack(">II II iI iI", file.read(32)), (width, height))
            if edges:
                left, top, right, bottom = (round(edge) for edge in edges)
                crop = left, top, width - right, height - bottom
        elif box.kind in _DOLBY:
            dolby = file.read(min(box.end - box.start, 5))
        elif box.kind == b"sinf":
            is_encrypted = True
    return Track(crop or (0, 0, 0, 0), dolby, is_encrypted)


def _described(file: IO[bytes], track: int) -> Iterator[Box]:
    """The boxes in the descriptions of an MP4 track's pictures."""
    for trak in inside(file, Box(b"", 0, file.seek(0, 2)), b"moov", b"trak"):
        for header in inside(file, trak, b"tkhd"):
            file.seek(header.start)
            content = file.read(24)
            at = 20 if content[:1] == b"\1" else 12
            if int.from_bytes(content[at : at + 4]) == track:
                for table in inside(file, trak, b"mdia", b"minf", b"stbl", b"stsd"):
                    for picture in boxes(file, table.start + 8, table.end):
                        yield from boxes(file, picture.start + _DESCRIPTION, picture.end)
