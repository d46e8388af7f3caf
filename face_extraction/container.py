"""Open a video: its container, the stream that players show, and its packets.

Files from strangers are opened so that FFmpeg reads this one file and nothing else.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.codec.context import CodecContext, Flags
from av.stream import Disposition

from face_extraction.described import describe, needs_dolby_vision
from face_extraction.errors import unforeseen
from face_extraction.images import Unreadable, check_frame, check_readable, open_file
from face_extraction.ledger import FAILED
from face_extraction.matroska import Track
from face_extraction.tables import check_tables

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
# How a packet begins that holds only the end of a sequence of Dirac (its specification, 9.6), and its bytes.
_DIRAC_END, _END_SIZE = b"BBCD\x10", 13
# Decoders that keep what is transparent, by codec.
_TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


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


def has_picture(packet: Any) -> bool:
    """Whether a packet of a video holds more than the mark that ends a sequence of Dirac or VC-2."""
    if packet.size != _END_SIZE:
        return bool(packet.size)
    return not bytes(packet).startswith(_DIRAC_END)


def each_packet(container: Any, stream: Any) -> Iterator[Any]:
    """The packets that `read_packets` counts, up to the first unreadable one; that is reported already."""
    try:
        yield from (packet for packet in packets_of(container, stream) if has_picture(packet))
    except MemoryError:
        raise
    except ERRORS:
        return
