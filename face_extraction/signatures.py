"""What the first bytes of a file say about the kind of photo that it holds."""

from face_extraction.heif import is_avif, is_heic
from face_extraction.png import SIGNATURE

_SIGNATURES = {
    "PNG": (SIGNATURE,),
    "JPEG": (b"\xff\xd8\xff",),
    "GIF": (b"GIF8",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
# The sizes of a BMP's second header; its signature alone is but two letters.
_BMP = (12, 16, 40, 52, 56, 64, 108, 124)
# What raw photos begin with, and at which byte; in them stands a small copy, which is not the photo.
_RAW = (
    (0, b"FUJIFILMCCD-RAW"), (4, b"ftypcrx "), (8, b"CR\2\0"), (6, b"HEAPCCDR"), (0, b"IIRO"), (0, b"IIRS"),
    (0, b"MMOR"), (0, b"IIU\0"), (0, b"FOVb"), (0, b"\0MRM"), (0, b"ARRI"),
)  # fmt: skip
RAW = "raw photo"


def known_format(head: bytes) -> str:
    """The format whose signature a file begins with.

    Args:
        head: the file's first `heif.HEAD` bytes.

    Returns:
        Such as "JPEG" or "WebP", or `RAW`; "" if there is none, or the file is too short.
    """
    if any(head[at:].startswith(signature) for at, signature in _RAW):
        return RAW
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if is_avif(head):
        return "AVIF"
    if is_heic(head):
        return "HEIC"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP:
        return "BMP"
    return next((kind for kind, signatures in _SIGNATURES.items() if head.startswith(signatures)), "")
