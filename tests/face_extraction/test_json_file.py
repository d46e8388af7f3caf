"""JSON files are checked when they are read."""

import os
from typing import TypedDict

import pytest

from face_extraction.errors import InputError
from face_extraction.json_file import parse_json, read_json, write_json


class Kind(TypedDict, total=False):
    count: int


def test_what_was_written_is_read_with_fields_of_others(tmp_path):
    write_json(tmp_path / "a.json", {"count": 3, "more": [1.5]})
    assert read_json(tmp_path / "a.json", Kind) == {"count": 3, "more": [1.5]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not a readable JSON file"),
        ("[" * 100_000, "not a readable JSON file"),
        ("null", "Expected `object`, got `null`"),
        ("[]", "Expected `object`, got `array`"),
        ('{"count": "3"}', r"Expected `int`, got `str` - at `\$.count`"),
        ('{"count": NaN}', "not a readable JSON file"),
        ('{"count": ' + "9" * 10_000 + "}", "a.json: "),
        ("\ud800".encode("utf-8", "surrogatepass"), "not a readable JSON file"),
    ],
)
def test_anything_else_is_one_line_that_names_the_file(tmp_path, content, words):
    path = tmp_path / "a.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=words) as error:
        read_json(path, Kind)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path):
    (tmp_path / "a.json").write_text('{"count": 3}', encoding="utf-8-sig")
    assert read_json(tmp_path / "a.json", Kind) == {"count": 3}


@pytest.mark.parametrize(
    "text", ["", "[" * 100_000, "9" * 10_000, b"\xff", "[NaN]", "[-Infinity]", "[1e999]"]
)
def test_what_cannot_be_parsed_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011  # Python words it, in other words from version to version.
        parse_json(text)


def test_a_device_or_a_pipe_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="not a regular file"):
            read_json(path, Kind)
