"""JSON files: written whole or not at all, and checked against a type when read."""

import codecs
import json
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from face_extraction.atomic import write_text
from face_extraction.errors import InputError, one_line

T = TypeVar("T")

MOST_BYTES = 64 << 20


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text from anybody.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, kind: type[T]) -> T:
    """A JSON file's value, checked against `kind`. Fields that `kind` does not name are kept.

    Args:
        path: the file.
        kind: a `TypedDict`, or another type of plain values that msgspec can check.

    Raises:
        InputError: the file is missing, not a regular file, larger than `MOST_BYTES`, or not JSON, or its
            content is not of `kind`; the line names the field.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a regular file")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES >> 20} MB")
        value = msgspec.json.decode(path.read_bytes().removeprefix(codecs.BOM_UTF8))
        msgspec.convert(value, kind)
        return cast(T, value)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
