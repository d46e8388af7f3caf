"""JSON files: written whole or not at all, and checked against a type when read."""

import codecs
import json
import math
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from face_extraction.atomic import write_text
from face_extraction.errors import InputError, one_line

T = TypeVar("T")

MOST_BYTES = 64 << 20


class _Twice(ValueError):
    """A name with two values."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if values.setdefault(name, value) != value:
            raise _Twice(name)
    return values


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text}; accepted: numbers of JSON, up to 1.8e308")
    return value


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text from anybody.

    Raises:
        ValueError: it is not JSON, such as NaN, nested too deeply, or holds a number beyond all floats.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, kind: type[T], *, once: bool = False) -> T:
    """A JSON file's value, checked against `kind`. Fields that `kind` does not name are kept.

    Args:
        path: the file.
        kind: a `TypedDict`, or another type of plain values that msgspec can check.
        once: whether to refuse a name that stands twice with two values, of which JSON's readers drop one.

    Raises:
        InputError: the file is missing, not a regular file, larger than `MOST_BYTES`, or not JSON, or its
            content is not of `kind`; the line names the field. With `once`: a name has two values.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a regular file")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES >> 20} MB")
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
        value = msgspec.json.decode(content)
        msgspec.convert(value, kind)
        if once:
            json.loads(content, object_pairs_hook=_once)
        return cast(T, value)
    except _Twice as error:
        raise InputError(f"{path}: {error.args[0]!r} stands in it twice, with two values") from None
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {one_line(error)}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a readable JSON file ({one_line(error)})") from None
