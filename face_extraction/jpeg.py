"""Tell damage inside a JPEG's pixels, which Pillow passes over: libjpeg fills the picture and only warns."""

import av
from av.codec.context import CodecContext


def is_torn(content: bytes) -> bool:
    """Whether FFmpeg decodes a JPEG only if it may pass over errors in the pixels.

    Damage that leaves a stream of possible codes, as most single flipped bits do, cannot be told.

    Args:
        content: the file; what stands behind the picture does not matter.
    """
    return not _decodes(content, {"err_detect": "explode"}) and _decodes(content, {})


def _decodes(content: bytes, options: dict[str, str]) -> bool:
    context = CodecContext.create("mjpeg", "r")
    context.options, context.thread_count = options, 1
    try:
        return bool([*context.decode(av.Packet(content)), *context.decode(None)])
    except av.error.FFmpegError:
        return False
