"""Tell zeros in place of the last pixels of a BMP or TIFF that stores them as they are.

A download that was given its size in advance and then broken off leaves such a file.
"""

from PIL import Image

from face_extraction.holes import CHANCE, SECTOR

_BITS, _PACKED, _APART = 258, 259, 284
_IS_APART = 2
# Where the strips or tiles are, and their width.
_PARTS = ((273, 256), (324, 322))


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
    """Where the strip or tile with the byte `at` begins, and the bytes of a row; 0 for a packed picture."""
    tags = getattr(image, "tag_v2", {})
    places, width = next((pair for pair in _PARTS if pair[0] in tags), (0, 0))
    if tags.get(_PACKED, 1) != 1 or not places:
        return 0, 1
    start = max((part for part in tags[places] if part < at), default=0)
    bits = tags.get(_BITS, (1,))
    return start, max(-(-tags[width] * (bits[0] if tags.get(_APART) == _IS_APART else sum(bits)) // 8), 1)
