"""Files that stand in two manifests."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from face_extraction.digest import file_digest, file_size
from face_extraction.manifest import FaceSample


def same_files(
    folder: Path, samples: Sequence[FaceSample], other_folder: Path, others: Sequence[FaceSample]
) -> set[str]:
    """Paths of the samples whose file has the content of one of the others, byte by byte.

    Where both manifests recorded digests, no file is read. Else only files of equal size are; a file that
    is gone equals none.

    Args:
        folder: of the samples' manifest.
        samples: its rows.
        other_folder: of the other manifest.
        others: its rows.
    """
    if all(row.digest for row in (*samples, *others)):
        known = {row.digest for row in others}
        return {row.path for row in samples if row.digest in known}
    sizes: dict[int, list[Path]] = defaultdict(list)
    for row in others:
        sizes[file_size(other_folder / row.path)].append(other_folder / row.path)
    contents: dict[int, set[str]] = {}
    found = set()
    for row in samples:
        size = file_size(folder / row.path)
        if size < 0 or size not in sizes:
            continue
        if size not in contents:
            contents[size] = {file_digest(path) for path in sizes[size]}
        if file_digest(folder / row.path) in contents[size]:
            found.add(row.path)
    return found
