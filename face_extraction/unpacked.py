"""Tell zeros in place of the last pixels of a BMP or TIFF that stores them as they are.

A download that was given its size in advance and then broken off leaves such a file.
"""

from PIL import Image

from face_extraction.holes import CHANCE, SECTOR

_WIDTH, _BITS, _PACKED, _STRIPS, _APART = 256, 258, 259, 273, 284


def lacks_rest(content: bytes, image: Image.Image) -> bool:
    """Whether zeros begin where a sector does, amid a row, and reach to the file's end.

    A black part of the picture begins with a row, or at about the same column as in the row before.

    Args:
        content: a BMP or TIFF.
        image: the same, opened by Pillow.
    """
    kept = len(content.rstrip(b"\0"))
    if len(content) - kept < SECTOR or -kept % SECTOR > CHANCE:
        return False
    start, stride = _bmp_rows(content) if image.format == "BMP" else _tiff_rows(image, kept)
    missing = -(kept - start) % stride
    before = content[kept - stride : kept - stride + missing] if start + stride <= kept else b""
    return bool(before.strip(b"\0"))


def _bmp_rows(content: bytes) -> tuple[int, int]:
    """Where the rows begin, and the bytes of each; 0 for a packed picture."""
    if int.from_bytes(content[14:18], "little") < 40 or content[30] not in (0, 3):
        return 0, 1
    width, bits = int.from_bytes(content[18:22], "little"), int.from_bytes(content[28:30], "little")
    return int.from_bytes(content[10:14], "little"), max((width * bits + 31) // 32 * 4, 1)


def _tiff_rows(image: Image.Image, at: int) -> tuple[int, int]:
    """Where the strip that holds the byte `at` begins, and the bytes of each row; 0 for a packed picture."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_PACKED, 1) != 1 or tags.get(_APART, 1) != 1 or _STRIPS not in tags:
        return 0, 1
    start = max((strip for strip in tags[_STRIPS] if strip < at), default=0)
    return start, max(-(-tags[_WIDTH] * sum(tags.get(_BITS, (1,))) // 8), 1)
