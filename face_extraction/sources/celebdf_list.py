"""List_of_testing_videos.txt, which Celeb-DF and Celeb-DF++ have in one form: `1 YouTube-real/00170.mp4`."""

import re
from pathlib import Path, PurePosixPath

from face_extraction.errors import InputError
from face_extraction.manifest import FAKE, REAL
from face_extraction.sources.layout import INNER, read_lines

LIST = "List_of_testing_videos.txt"
CELEBRITIES, OTHERS, FAKES = "Celeb-real", "YouTube-real", "Celeb-synthesis"
LABELS = {CELEBRITIES: REAL, OTHERS: REAL, FAKES: FAKE}
_LINE = re.compile(r"([01])\s+(\S+)\.mp4", re.IGNORECASE)


def read_tests(path: Path, fake: str) -> list[tuple[str, ...]]:
    """The test videos: the folders of each, the first as in `LABELS`, and its name without the suffix.

    Capitals, backslashes, blank lines and folders called `videos` do not matter.

    Args:
        path: the list.
        fake: a fake as the list names it, such as "Celeb-synthesis/id0_id1_0000.mp4". All fakes lie as deep.

    Raises:
        InputError: a line has another form, or its number contradicts its folder.
    """
    lines = enumerate(read_lines(path), start=1)
    return [_read(f"{path}, line {number}", line, fake) for number, line in lines if line.strip()]


def _read(where: str, line: str, fake: str) -> tuple[str, ...]:
    match = _LINE.fullmatch(line.strip().replace("\\", "/"))
    parts = PurePosixPath(match[2]).parts if match else ()
    inside = [part for part in parts if part.lower() != INNER]
    part = next((name for name in LABELS if inside and name.lower() == inside[0].lower()), None)
    depth = len(PurePosixPath(fake).parts) if part == FAKES else 2
    if not match or not part or len(inside) != depth:
        raise InputError(
            f"{where}: {line!r}; accepted: 1 or 0 and a path, such as 1 {OTHERS}/00170.mp4 or 0 {fake}"
        )
    if (match[1] == "1") != (LABELS[part] == REAL):
        raise InputError(f"{where}: {line!r}; in this list 1 means real and 0 fake")
    return part, *inside[1:]
