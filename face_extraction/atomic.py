"""Writes that are either whole or absent: a temporary name beside the target, then a rename."""

import csv
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# How temporary names begin; a process that is killed leaves its own behind.
TEMPORARY = ".tmp-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; rename it over `target` when the block ends well.

    The temporary name ends as the target's does, because writers choose their format by it. After an
    exception nothing is left behind and an older `target` is untouched.

    Raises:
        FileNotFoundError: the block wrote nothing.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{target.name}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a full disk names no file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy of it where the file system has no hard links.

    Raises:
        FileNotFoundError: there is no `source`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)


def write_bytes(target: Path, content: bytes) -> None:
    """Write `content` to `target` atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Write `content` to `target` atomically, as UTF-8."""
    write_bytes(target, content.encode())


def write_csv(target: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows to `target` atomically, with lines that end in a line feed."""
    out = io.StringIO(newline="")
    plain = csv.writer(out, lineterminator="\n")
    quoting = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows:
        # Python before 3.13 writes a carriage return bare, and reads it as the end of the row.
        bare = any(isinstance(value, str) and "\r" in value for value in row)
        (quoting if bare else plain).writerow(row)
    write_text(target, out.getvalue())
