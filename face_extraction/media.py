"""Tell photos from videos by the suffix of their names."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

# A GIF, PNG, WebP or AVIF with several pictures is still read as a video.
IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".tif", ".tiff", ".gif",
    ".heic", ".heif", ".hif", ".avif", ".avifs", ".mpo", ".dib",
)  # fmt: skip
# Photos and videos of kinds that cannot be read: they are listed, not ignored.
UNREAD_SUFFIXES = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2", ".pef", ".x3f",
    ".3fr", ".iiq", ".jxl", ".jp2", ".j2k", ".psd", ".svg", ".tga", ".ppm", ".exr", ".dds",
    ".rm", ".rmvb", ".mxf", ".braw",
)  # fmt: skip
VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".qt", ".m4v", ".3gp", ".3g2", ".avi", ".divx", ".dv", ".mkv", ".webm", ".mpg", ".mpeg",
    ".vob", ".ts", ".mts", ".m2ts", ".m2t", ".flv", ".f4v", ".ogv", ".wmv", ".asf",
)  # fmt: skip
ARCHIVE_SUFFIXES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")

PHOTO, VIDEO, CROP, ARCHIVE = "photo", "video", "crop", "archive"
# Folders that hold one video's frames, or its ready-made crops.
FRAMES, SEQUENCE = "frames", "sequence"
# Faces that are already cut out.
READY_MADE = (CROP, ARCHIVE, SEQUENCE)


def kind_of(path: PurePath) -> str | None:
    """`PHOTO`, `VIDEO`, or None for a file that is neither; case does not matter."""
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return PHOTO
    return VIDEO if suffix in VIDEO_SUFFIXES else None


def kind_found(path: PurePath) -> str | None:
    """Like `kind_of`, for a file that nobody named: hidden files (macOS' "._a.jpg") are neither."""
    return None if path.name.startswith(".") else kind_of(path)


def is_unread(path: PurePath) -> bool:
    """Whether the suffix is of photos or videos of a kind that is not read; hidden files are not."""
    return not path.name.startswith(".") and path.suffix.lower() in UNREAD_SUFFIXES


def is_archive(path: PurePath) -> bool:
    """Whether the suffix is of files that have to be unpacked first; hidden files are not."""
    return not path.name.startswith(".") and path.suffix.lower() in ARCHIVE_SUFFIXES


def kinds_told(paths: Sequence[PurePath]) -> str:
    """How many files there are, with the most frequent kinds: "503 (.dng 500, no suffix 3)"."""
    kinds = Counter(path.suffix.lower() or "no suffix" for path in paths)
    shown = {kind: kind if kind.isprintable() else ascii(kind)[1:-1] for kind in kinds}
    most = kinds.most_common(5)
    told = ", ".join(f"{shown[kind]} {count:,}" for kind, count in most)
    if others := len(paths) - sum(count for _, count in most):
        told += f", other kinds {others:,}"
    return f"{len(paths):,} ({told})"
