"""The file that keeps what was read from crops: SQLite, so that a kill loses only the work in hand.

Several audits may use it at once: each block is committed at once, so that none waits long for another.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from face_extraction.errors import InputError

FORMAT = 1
WAIT_SECONDS = 60.0  # to wait for another audit's block
ASKED = 500  # names in one query

_TABLES = (
    "DROP TABLE IF EXISTS print",
    "DROP TABLE IF EXISTS face",
    "CREATE TABLE print ("
    "path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, digest BLOB, thumb BLOB) WITHOUT ROWID",
    "CREATE TABLE face (digest BLOB PRIMARY KEY, encoding BLOB) WITHOUT ROWID",
    f"PRAGMA user_version = {FORMAT}",
)


class Store:
    """Prints by path, size and time of change; face encodings by the hash of the file's content."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def prints(self) -> Iterator[tuple[str, int, int, bytes, bytes]]:
        """All rows of (path, size, mtime, digest, thumb)."""
        yield from self._base.execute("SELECT path, size, mtime, digest, thumb FROM print")

    def add_prints(self, rows: Iterable[tuple[str, int, int, bytes, bytes]]) -> None:
        """Add or replace rows."""
        self._base.executemany("INSERT OR REPLACE INTO print VALUES (?, ?, ?, ?, ?)", rows)
        self._base.commit()

    def encodings(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """The stored encodings for these digests."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(digests), ASKED):
            asked = digests[start : start + ASKED]
            marks = ",".join("?" * len(asked))
            query = f"SELECT digest, encoding FROM face WHERE digest IN ({marks})"
            found.update(self._base.execute(query, asked))
        return found

    def add_encodings(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Add or replace rows of (digest, encoding)."""
        self._base.executemany("INSERT OR REPLACE INTO face VALUES (?, ?)", rows)
        self._base.commit()


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """Open or make the file; what was added is kept, however the block ends.

    Raises:
        InputError: the file cannot be read or written, or is something else.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as base:
            if _format(base) != FORMAT:
                _make(base, path)
            yield Store(base)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None


def _unusable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be used as the cache ({error}); give --cache FILE")


def _format(base: sqlite3.Connection) -> int:
    return int(base.execute("PRAGMA user_version").fetchone()[0])


def _make(base: sqlite3.Connection, path: Path) -> None:
    base.execute("BEGIN IMMEDIATE")
    if _format(base) != FORMAT:  # Another audit may have made it meanwhile.
        strange = "SELECT count(*) FROM sqlite_master WHERE name NOT IN ('print', 'face')"
        if base.execute(strange).fetchone()[0]:
            raise InputError(f"{path}: a database of something else; give another --cache")
        for statement in _TABLES:
            base.execute(statement)
    base.commit()
