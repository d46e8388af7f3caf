"""The file that keeps what was read of crops: SQLite, so that a kill loses at most the last seconds."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from face_extraction.errors import InputError

FORMAT = 1
COMMIT_SECONDS = 2.0
ASKED = 500  # names in one query

_TABLES = """
DROP TABLE IF EXISTS print; DROP TABLE IF EXISTS face;
CREATE TABLE print (
    path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, digest BLOB, thumb BLOB
) WITHOUT ROWID;
CREATE TABLE face (digest BLOB PRIMARY KEY, encoding BLOB) WITHOUT ROWID;
"""


class Store:
    """Prints by path, size and time of change; face encodings by the hash of the file's content."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base
        self._saved = time.monotonic()

    def prints(self) -> Iterator[tuple[str, int, int, bytes, bytes]]:
        """All rows of (path, size, mtime, digest, thumb)."""
        yield from self._base.execute("SELECT path, size, mtime, digest, thumb FROM print")

    def add_prints(self, rows: Iterable[tuple[str, int, int, bytes, bytes]]) -> None:
        """Add or replace rows."""
        self._base.executemany("INSERT OR REPLACE INTO print VALUES (?, ?, ?, ?, ?)", rows)
        self._save_now_and_then()

    def encodings(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """The encodings that are there, of these digests."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(digests), ASKED):
            asked = digests[start : start + ASKED]
            marks = ",".join("?" * len(asked))
            query = f"SELECT digest, encoding FROM face WHERE digest IN ({marks})"
            found.update(self._base.execute(query, asked))
        return found

    def add_encoding(self, digest: bytes, encoding: bytes) -> None:
        """Add an encoding."""
        self._base.execute("INSERT OR REPLACE INTO face VALUES (?, ?)", (digest, encoding))
        self._save_now_and_then()

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved > COMMIT_SECONDS:
            self._base.commit()
            self._saved = time.monotonic()


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """Open or make the file; what was added is kept, whatever ends the block.

    Raises:
        InputError: the file cannot be written, or is something else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        base = sqlite3.connect(path)
        if base.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            if base.execute(
                "SELECT count(*) FROM sqlite_master WHERE name NOT IN ('print', 'face')"
            ).fetchone()[0]:
                raise InputError(f"{path}: a database of something else; give another --cache")
            base.executescript(f"{_TABLES} PRAGMA user_version = {FORMAT};")
    except (sqlite3.Error, OSError) as error:
        raise InputError(
            f"{path}: cannot be used to keep what is read ({error}); give --cache FILE"
        ) from None
    try:
        yield Store(base)
    finally:
        base.commit()
        base.close()
