"""Tar archives of face crops, read as streams: nothing is unpacked onto the disk."""

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from face_extraction.ledger import FAILED, TRUNCATED, UNREADABLE, ItemFailed
from face_extraction.media import PHOTO, kind_found

# Far above any crop; a member that claims more is not one.
MAX_BYTES = 64 * 2**20
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


@dataclass(frozen=True)
class Member:
    """One crop of an archive.

    Attributes:
        name: its path in the archive.
        frame: the last number in its file name, which is the frame it was cut from; else its place.
        content: the bytes of the image file.
    """

    name: str
    frame: int
    content: bytes


def read_members(path: Path, take: int = 0) -> Iterator[Member]:
    """The photos in a tar archive, compressed or not, in the archive's order.

    Args:
        path: the archive.
        take: how many, evenly spaced over the archive, which is then read twice; 0 for all.

    Raises:
        ItemFailed: it is no archive ("unreadable") or is cut short or damaged ("truncated"), after
            what could be read was given.
    """
    wanted = None
    if take:
        count = 0
        try:
            for _ in _members(path):
                count += 1
        except ItemFailed:
            if not count:
                raise
            # The second reading raises it again, after what could be read.
        wanted = {(2 * index + 1) * count // (2 * take) for index in range(take)}
    for place, member in enumerate(_members(path)):
        if wanted is None or place in wanted:
            yield member


def _members(path: Path) -> Iterator[Member]:
    for place, (archive, info) in enumerate(_photos(path)):
        stream = archive.extractfile(info)
        if stream is None:
            continue
        try:
            content = stream.read()
        except _DAMAGED as error:
            raise _cut(place, error) from None
        numbers = re.findall(r"\d+", PurePosixPath(info.name).stem)
        yield Member(info.name, int(numbers[-1]) if numbers else place, content)


def _photos(path: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    count = 0
    try:
        # "r|*" reads forward alone, so that a compressed archive is decompressed once.
        with tarfile.open(path, "r|*") as archive:
            for info in archive:
                name = PurePosixPath(info.name)
                if info.isreg() and kind_found(name) == PHOTO:
                    if info.size > MAX_BYTES:
                        raise ItemFailed(UNREADABLE, f"{info.name}: more than {MAX_BYTES:,} bytes")
                    yield archive, info
                    count += 1
    except _DAMAGED as error:
        if not count:
            raise ItemFailed(UNREADABLE, f"no tar archive ({error})") from None
        raise _cut(count, error) from None
    except OSError as error:
        raise ItemFailed(FAILED, error.strerror or str(error)) from None


def _cut(count: int, error: Exception) -> ItemFailed:
    return ItemFailed(TRUNCATED, f"the archive ends or breaks after {count:,} crops ({error})")
