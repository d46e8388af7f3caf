"""Read TOML, with one line about what is wrong with the file."""

import tomllib
from pathlib import Path
from typing import Any

from face_extraction.errors import InputError, one_line


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        InputError: the file is missing or not TOML.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError also for a number of many thousand digits.
        raise InputError(f"{path}: not a TOML file ({one_line(error)})") from None
