"""What the command line names: files to judge, and a run or an export that judges them."""

import re
from collections.abc import Sequence
from pathlib import Path

from dfdetect.recipe import RECIPE_FILE
from face_extraction.errors import InputError
from face_extraction.media import ARCHIVE_SUFFIXES, is_unread, kind_found, kinds_told
from face_extraction.sources.layout import files_below


def run_or_export(first: Path, pretrained: str | None) -> Path | None:
    """The run or export that the first path names; None if it is a file to score with what ships.

    A folder counts as a run's if it has anything of a run, or of runs, so that a training that was cut, or
    a folder of runs, is not scored as photos.

    Raises:
        InputError: the path is a run or an export beside --pretrained.
    """
    from dfdetect.runs.exported import is_export

    if is_export(first):
        found = "an export"
    elif first.is_dir() and any((*first.glob(RECIPE_FILE), *first.glob(f"*/{RECIPE_FILE}"))):
        found = "a run"
    else:
        return None
    if pretrained:
        raise InputError(f"{first}: {found} beside --pretrained {pretrained}; accepted: one of them")
    return first


def files_named(inputs: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The named files with the photos and videos in the named folders, and what else is there; each once.

    Raises:
        InputError: a path does not exist, or is an archive or a web address.
    """
    files: list[Path] = []
    others: list[Path] = []
    for path in inputs:
        if path.is_dir():
            for inside in files_below(path):
                # A file of a kind that is not read gets a row with the reason, as a named file does.
                is_wanted = kind_found(inside) or is_unread(inside)
                (files if is_wanted else others).append(inside)
        elif path.exists():
            if path.suffix.lower() in ARCHIVE_SUFFIXES:
                raise InputError(f"{path}: an archive; unpack it first, and give the folder")
            files.append(path)
        elif re.match(r"(?i)(https?|ftp|s3|gs|file):/", str(path)):
            scheme, _, rest = str(path).partition(":")
            address = f"{scheme}:{'///' if scheme.lower() == 'file' else '//'}{rest.lstrip('/')}"
            first = "" if scheme.lower() == "file" else "download the file first, and "
            raise InputError(f"{address}: an address; {first}give the file's path")
        else:
            raise InputError(f"{path}: no such file or folder")
    return list(dict.fromkeys(files)), list(dict.fromkeys(others))


def left_out(others: Sequence[Path]) -> str:
    """What of the folders is not judged, in a line.

    Args:
        others: as `files_named` gives them.
    """
    return f"left out of the folders, neither photo nor video: {kinds_told(others)}"
