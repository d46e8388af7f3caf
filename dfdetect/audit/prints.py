"""Prints of crops: the hash of a file's content, and a small grey picture for comparison."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dfdetect.audit.store import open_store
from face_extraction.images import Unreadable, read_bytes_rgb, read_content, resize
from face_extraction.ledger import MISSING, LedgerRow
from face_extraction.machine import available_cores
from face_extraction.progress import progress

SIDE = 32  # of the small picture, in pixels
BLOCK = 1024  # crops handed to the threads at once

Thumbs = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Prints:
    """The prints of `n` crops, in the order of the rows.

    Attributes:
        digests: 16 bytes of BLAKE2b of each file's content; b"" if it cannot be read.
        thumbs: grey pictures, uint8 of shape (n, 32, 32); zero if the crop cannot be read.
        read: which crops could be read, bool of shape (n,).
        ledger: the others, with the reason.
    """

    digests: list[bytes]
    thumbs: Thumbs
    read: NDArray[np.bool_]
    ledger: list[LedgerRow]


@dataclass(frozen=True)
class _Print:
    path: str
    size: int
    mtime: int
    digest: bytes
    thumb: bytes


def thumbnail(rgb: NDArray[np.uint8]) -> Thumbs:
    """Make the grey picture, uint8 of shape (32, 32), of a crop, uint8 of shape (H, W, 3)."""
    return resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.uint8), SIDE)


def read_prints(folder: Path, paths: Sequence[str], cache: Path) -> Prints:
    """Read every crop that is new or changed since the last audit; take the others from `cache`.

    Raises:
        InputError: the cache cannot be used.
    """
    place = {path: row for row, path in enumerate(paths)}
    digests = [b""] * len(paths)
    thumbs = np.zeros((len(paths), SIDE, SIDE), dtype=np.uint8)
    stats = [_stat(folder / path) for path in paths]

    def keep(row: int, digest: bytes, thumb: bytes) -> None:
        digests[row] = digest
        thumbs[row] = np.frombuffer(thumb, dtype=np.uint8).reshape(SIDE, SIDE)

    ledger = [
        LedgerRow(path, MISSING, "no such file") for path, stat in zip(paths, stats, strict=True) if not stat
    ]
    with open_store(cache) as store:
        for path, size, mtime, digest, thumb in store.prints():
            row = place.get(path)
            if row is not None and stats[row] == (size, mtime):
                keep(row, digest, thumb)
        wanted = [row for row, stat in enumerate(stats) if stat and not digests[row]]
        with (
            ThreadPoolExecutor(available_cores()) as pool,
            progress("read crops", len(wanted), unit="crops") as advance,
        ):
            for start in range(0, len(wanted), BLOCK):
                block = wanted[start : start + BLOCK]
                done = list(pool.map(lambda row: _read(folder, paths[row], stats[row]), block))
                for row, result in zip(block, done, strict=True):
                    if isinstance(result, LedgerRow):
                        ledger.append(result)
                    else:
                        keep(row, result.digest, result.thumb)
                store.add_prints(
                    (each.path, each.size, each.mtime, each.digest, each.thumb)
                    for each in done
                    if isinstance(each, _Print)
                )
                advance(len(block))
    return Prints(digests, thumbs, np.array([bool(digest) for digest in digests]), ledger)


def _stat(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _read(folder: Path, path: str, stat: tuple[int, int] | None) -> "_Print | LedgerRow":
    try:
        content = read_content(folder / path)
        thumb = thumbnail(read_bytes_rgb(content, path))
    except Unreadable as error:
        return LedgerRow(path, error.reason, error.detail)
    size, mtime = stat or (0, 0)
    digest = hashlib.blake2b(content, digest_size=16).digest()
    return _Print(path, size, mtime, digest, thumb.tobytes())
