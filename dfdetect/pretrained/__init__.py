"""What ships: detectors that judge without any data, each a slim run folder beside this file.

A folder holds recipe, weights in half precision, calibration and cuts, metrics, the card and hashes.
"""

from pathlib import Path

from face_extraction.errors import InputError, unknown_name

DEFAULT = "small"
HASHES = "SHA256SUMS"


def list_pretrained() -> list[str]:
    """Names of the detectors that ship, sorted."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob(f"*/{HASHES}"))


def pretrained_folder(name: str = DEFAULT) -> Path:
    """The run folder of the detector that ships under this name.

    Raises:
        InputError: none ships under it.
    """
    names = list_pretrained()
    if name not in names:
        if not names:
            raise InputError("no pretrained detector is installed; give a run's folder")
        raise unknown_name("pretrained detector", name, names)
    return Path(__file__).parent / name
