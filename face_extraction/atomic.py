"""Write files whole or not at all: under a temporary name beside the target, then renamed."""

import csv
import errno
import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from face_extraction.errors import InputError

# Temporary names begin with this; a killed process leaves its own behind.
TEMPORARY = ".tmp-"


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`, and rename it over `target` if the block succeeds.

    The temporary name has the target's suffix, because writers choose their format by it. After an
    exception nothing is left behind, and an older `target` is untouched. The content reaches the disk before
    the rename, and the rename before this returns, so a power cut leaves the old file or the new one, never
    an empty one.

    Raises:
        InputError: `target` is no regular file. A rename would put one in the place of a device.
        FileNotFoundError: the block wrote nothing.
    """
    check_target(target)
    make_folder(target.parent)
    temporary = target.with_name(f"{TEMPORARY}{os.getpid()}-{target.name}")
    # A disk that cannot be written refuses the deletion, too.
    with naming(target):
        try:
            yield temporary
            with temporary.open("rb") as handle:
                os.fsync(handle.fileno())
            temporary.replace(target)
            sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)


def check_target(target: Path) -> None:
    """Refuse a target that no file can replace, if need be before the work for it begins.

    Raises:
        InputError: it is a folder, a device or a pipe.
    """
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "a device or a pipe"
        raise InputError(f"{target}: {kind}; accepted: the name of a file")


@contextmanager
def naming(target: Path) -> Iterator[None]:
    """Let errors in the block name `target`, not its temporary name or none, as a full disk does."""
    try:
        yield
    except OSError as error:
        if not error.filename or Path(error.filename).name.startswith(TEMPORARY):
            error.filename = str(target)
        raise


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, and write the new names to the disk."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in new:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write to the disk which names were made, renamed, linked or deleted in a folder.

    Windows cannot open a folder, and some network file systems cannot do this; both keep names safe in
    their own way.
    """
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Delete the temporary files that killed writers left directly in `folder`, if it exists.

    Only for a folder that no other process writes into.
    """
    for path in folder.glob(f"{TEMPORARY}*"):
        if path.is_file():
            path.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy if the file system has no hard links.

    A power cut may lose a link's name, so call `sync_folder` when all links are made.

    Raises:
        FileNotFoundError: there is no `source`.
    """
    make_folder(target.parent)
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
    """Write a header and rows to `target` atomically, as `csv_of` gives them."""
    write_text(target, csv_of(columns, rows))


def csv_of(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A header and rows as CSV; lines end in a line feed."""
    out = io.StringIO(newline="")
    plain = csv.writer(out, lineterminator="\n")
    quoting = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(columns)
    for row in rows:
        # Python before 3.13 writes a carriage return unquoted, and reads it as the row's end.
        bare = any(isinstance(value, str) and "\r" in value for value in row)
        (quoting if bare else plain).writerow(row)
    return out.getvalue()
