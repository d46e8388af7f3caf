"""Find the files that the command line names, and the run or export that judges them."""

from collections.abc import Sequence
from pathlib import Path

from dfdetect.models.shipped import list_pretrained
from dfdetect.recipe import RECIPE_FILE
from face_extraction.errors import InputError
from face_extraction.media import ARCHIVE_SUFFIXES, is_unread, kind_found, kinds_told
from face_extraction.sources.layout import files_below
from face_extraction.sources.spelling import is_address


def run_or_export(first: Path, pretrained: str | None) -> Path | None:
    """The run or export that the first path names; None if it is a file to score with what ships.

    A folder counts as a run's if it has anything of a run, or of runs, so that a training that was cut, a
    run that lost its recipe, or a folder of runs, is not scored as photos.

    Raises:
        InputError: the path is a run or an export beside --pretrained.
    """
    from dfdetect.runs.exported import is_export
    from dfdetect.runs.folder import Run

    if is_export(first):
        found = "an export"
    elif first.is_dir() and (Run(first).has_files() or any(first.glob(f"*/{RECIPE_FILE}"))):
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
        else:
            raise _missing(str(path))
    return list(dict.fromkeys(files)), list(dict.fromkeys(others))


def _missing(name: str) -> InputError:
    """The error for a path that is not there; `Path` has made one slash of the two of an address."""
    scheme, _, rest = name.partition(":")
    if is_address(name):
        address = f"{scheme}://{rest.lstrip('/')}"
        return InputError(f"{address}: an address; download the file first, and give the file's path")
    if scheme.lower() == "file" and rest.startswith("/"):
        return InputError(f"{scheme}:///{rest.lstrip('/')}: an address; give the file's path")
    ships = f"; --pretrained {name} names the detector that ships" if name in list_pretrained() else ""
    return InputError(f"{name}: no such file or folder{ships}")


def left_out(others: Sequence[Path]) -> str:
    """One line about the files in the folders that are not judged.

    Args:
        others: as `files_named` gives them.
    """
    return f"left out of the folders, neither photo nor video: {kinds_told(others)}"
