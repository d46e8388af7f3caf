"""Which files are photos and which are videos, told by their suffix."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

# A GIF, PNG, WebP or AVIF of several pictures is read as a video all the same.
IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".tif", ".tiff", ".gif",
    ".heic", ".heif", ".hif", ".avif",
)  # fmt: skip
# Photos and videos of kinds that are not read: they are listed, not passed over.
UNREAD_SUFFIXES = (
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".jxl", ".jp2", ".psd", ".svg", ".tga",
    ".rm", ".rmvb", ".mxf", ".asf", ".vob", ".braw",
)  # fmt: skip
VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".3gp", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".flv", ".ogv", ".wmv",
)  # fmt: skip

PHOTO, VIDEO, CROP, ARCHIVE = "photo", "video", "crop", "archive"
# Folders of one video's frames, and of its ready-made crops.
FRAMES, SEQUENCE = "frames", "sequence"
# Faces that are cut out already.
READY_MADE = (CROP, ARCHIVE, SEQUENCE)


def kind_of(path: PurePath) -> str | None:
    """`PHOTO`, `VIDEO`, or None for a file that is neither; capitals do not matter."""
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return PHOTO
    return VIDEO if suffix in VIDEO_SUFFIXES else None


def kind_found(path: PurePath) -> str | None:
    """As `kind_of`, of a file that nobody named: hidden ones (macOS' "._a.jpg") are neither."""
    return None if path.name.startswith(".") else kind_of(path)


def kinds_told(paths: Sequence[PurePath]) -> str:
    """How many files there are, and of which kinds the most: "503 (.dng 500, no suffix 3)"."""
    kinds = Counter(path.suffix.lower() or "no suffix" for path in paths)
    shown = {kind: kind if kind.isprintable() else ascii(kind)[1:-1] for kind in kinds}
    told = ", ".join(f"{shown[kind]} {count:,}" for kind, count in kinds.most_common(5))
    return f"{len(paths):,} ({told})"
