"""Tell damage inside a JPEG's pixels, which Pillow passes over: libjpeg fills the picture and only warns."""

import re

import av
from av.codec.context import CodecContext

_PROGRESSIVE, _SCAN, _END = 0xC2, 0xDA, 0xD9
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd8\x01])", re.DOTALL)


def lacks_scans(content: bytes) -> bool:
    """Whether a progressive JPEG ends before its last scans: it is whole, but coarse.

    Reference: ITU-T T.81, G.1.1.1 (a scan holds some coefficients, down to some bit).
    """
    left: dict[tuple[int, int], int] = {}
    at = 0
    while (found := _MARKER.search(content, at)) and len(content) >= found.end() + 2:
        if found[1][0] == _END:
            break
        start = found.end()
        at = start + int.from_bytes(content[start : start + 2])
        part = content[start + 2 : at]
        if found[1][0] == _PROGRESSIVE and len(part) > 5:
            left = {(part[6 + 3 * n], k): 1 for n in range((len(part) - 6) // 3) for k in range(64)}
        elif found[1][0] == _SCAN and part and len(part) >= 2 * part[0] + 4:
            first, last, bits = part[1 + 2 * part[0] :][:3]
            components = part[1 : 1 + 2 * part[0] : 2]
            left |= {(one, k): bits & 15 for one in components for k in range(first, last + 1) if left}
    return any(left.values())


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
