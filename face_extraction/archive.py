"""Read tar archives of face crops as streams, without unpacking them onto the disk."""

import bz2
import gzip
import lzma
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from face_extraction.images import open_file
from face_extraction.ledger import FAILED, TRUNCATED, UNREADABLE, ItemFailed
from face_extraction.media import PHOTO, kind_found
from face_extraction.spacing import middles

# Far above any crop; a member that claims more is no crop.
MAX_BYTES = 64 * 2**20
_DAMAGED = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
_OPENERS: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}


@dataclass(frozen=True)
class Member:
    """One crop of an archive.

    Attributes:
        name: its path in the archive.
        frame: the last number in its file name, which is its frame's; else its place in the archive.
        content: the bytes of the photo.
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
        ItemFailed: after the readable crops: the file is not an archive or a crop in it is too large
            ("unreadable"), it is cut short or damaged ("truncated"), or the disk fails ("failed").
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
            # The second reading raises it again, after the readable crops.
        wanted = set(middles(count, take).tolist())
    for place, member in enumerate(_members(path)):
        if wanted is None or place in wanted:
            yield member


def _members(path: Path) -> Iterator[Member]:
    count = 0
    try:
        # "r|" only reads forward, so a compressed archive is decompressed once.
        with _open(path) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Strict) as archive:
            for info in archive:
                name = PurePosixPath(info.name)
                if not info.isreg() or kind_found(name) != PHOTO:
                    continue
                if info.size > MAX_BYTES:
                    raise ItemFailed(UNREADABLE, f"{info.name}: more than {MAX_BYTES:,} bytes")
                member = archive.extractfile(info)
                if member is None:
                    continue
                content = member.read()
                numbers = re.findall(r"\d+", name.stem)
                yield Member(info.name, int(numbers[-1]) if numbers else count, content)
                count += 1
            # A compressed file's checksum stands at its very end: read on to check it.
            follows = False
            while rest := stream.read(2**20):
                follows = follows or any(rest)
            if follows:
                raise ItemFailed(
                    TRUNCATED, f"more follows the archive's end after {count:,} crops: two joined?"
                )
    except _DAMAGED as error:
        raise _cut(count, error) from None
    except OSError as error:
        if error.errno is None:  # bz2 raises this for damaged data.
            raise _cut(count, error) from None
        raise ItemFailed(FAILED, error.strerror or str(error)) from None


class _Strict(tarfile.TarInfo):
    """A header that must be whole: tarfile itself takes a missing or damaged one for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):  # An empty block ends an archive.
                raise
            raise tarfile.ReadError(str(error)) from None


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """Open the archive with modules that notice a missing end, unlike tarfile's streams."""
    with open_file(path) as file:
        start = file.read(6)
        file.seek(0)
        opener = next((opener for magic, opener in _OPENERS.items() if start.startswith(magic)), None)
        with opener(file) if opener else nullcontext(file) as stream:
            yield stream


def _cut(count: int, error: Exception) -> ItemFailed:
    if not count:
        return ItemFailed(UNREADABLE, f"no tar archive ({error})")
    return ItemFailed(TRUNCATED, f"the archive ends or breaks after {count:,} crops ({error})")
