"""Counts with their nouns."""

import pytest

from face_extraction.wording import plural


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "face", "0 faces"),
        (1, "face", "1 face"),
        (2, "group", "2 groups"),
        (12_345, "face", "12,345 faces"),
    ],
)
def test_only_one_is_singular(count, noun, words):
    assert plural(count, noun) == words
