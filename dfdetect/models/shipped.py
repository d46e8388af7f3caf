"""The detectors that ship with the package: slim run folders in `dfdetect/pretrained/`."""

from pathlib import Path

from face_extraction.errors import InputError, unknown_name

DEFAULT = "small"
HASHES = "SHA256SUMS"
"""The list of a shipped folder's files, each with its SHA-256."""
HOME = Path(__file__).parents[1] / "pretrained"


def list_pretrained() -> list[str]:
    """Names of the shipped detectors, sorted."""
    return sorted(path.parent.name for path in HOME.glob(f"*/{HASHES}"))


def pretrained_folder(name: str = DEFAULT) -> Path:
    """The run folder of a shipped detector.

    Raises:
        InputError: no detector of this name ships.
    """
    names = list_pretrained()
    if name not in names:
        if not names:
            raise InputError("no pretrained detector is installed; give a run folder")
        raise unknown_name("pretrained detector", name, names)
    return HOME / name


def run_folder(given: Path) -> Path:
    """The folder of a run, given by its path or by the name of a detector that ships; a folder wins.

    Raises:
        InputError: there is neither.
    """
    if given.exists():
        return given
    names = list_pretrained()
    if str(given) not in names:
        raise InputError(
            f"{given}: not a run folder (it does not exist), nor a detector that ships: {', '.join(names)}"
        )
    return HOME / given


def is_shipped(folder: Path) -> bool:
    """Whether a folder is that of a detector that ships; the package stays as it is."""
    return HOME in folder.resolve().parents


def check_not_shipped(folder: Path) -> None:
    """Refuse to write results into the folder of a detector that ships.

    Raises:
        InputError: it is one.
    """
    if is_shipped(folder):
        raise InputError(f"{folder}: it ships with the package, and stays as it is; give --out DIR")
