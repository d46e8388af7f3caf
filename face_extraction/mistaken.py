"""Tell what a file really is that is named like a photo or a video, and is neither."""

from pathlib import Path

from face_extraction.ledger import UNREADABLE

_START = 4_096
_ARCHIVES = (b"PK\3\4", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
_PAGES = (b"<!doctype html", b"<html")


def explained(path: Path, reason: str, detail: str) -> str:
    """Why a file gave no face; of one that is no photo or video at all it says first what it is.

    Args:
        path: the file.
        reason: of the ledger.
        detail: the decoder's words.
    """
    known = what_it_is(path) if reason == UNREADABLE else ""
    return f"{known} ({detail})" if known else detail


def what_it_is(path: Path) -> str:
    """The kind of a file that cannot be decoded, and what to do, if its first bytes tell; else ""."""
    if not path.is_file():  # Reading a pipe would never end.
        return ""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return ""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file itself; git lfs pull fetches that"
    if text.startswith(_PAGES):
        return "a web page, as of a failed download; fetch the file again"
    if b"<svg" in text:
        return "a drawing (SVG), not a photo"
    if text.startswith((b"<?xml", b'{"', b"{\n")):
        return "an XML or JSON text, as of a failed download; fetch the file again"
    if text.startswith(b"%pdf"):
        return "a PDF document"
    if start.startswith(_ARCHIVES):
        return "an archive; unpack it"
    if len(start) == _START and not any(start):
        return "it begins with zeros, as an unfinished download; fetch the file again"
    return ""
