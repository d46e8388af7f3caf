"""JSON files: written whole or not at all, read with one line for what is wrong."""

import json
from pathlib import Path
from typing import Any

from face_extraction.atomic import write_text
from face_extraction.errors import InputError


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        InputError: the file is missing or not JSON.
    """
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable JSON file ({error})") from None
    return value
