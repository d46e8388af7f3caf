"""The wording of wrong names."""

import pytest

from face_extraction.errors import InputError, unknown_name


@pytest.mark.parametrize(
    ("given", "where", "line"),
    [
        ("xcepton", "", "unknown model 'xcepton' (nearest: xception); accepted: vgg16, xception"),
        ("qqq", "a.toml", "a.toml: unknown model 'qqq'; accepted: vgg16, xception"),
    ],
)
def test_an_unknown_name_is_one_line_with_the_nearest(given, where, line):
    error = unknown_name("model", given, ["xception", "vgg16"], where)

    assert isinstance(error, InputError)
    assert str(error) == line


def test_nothing_to_choose_from_is_said():
    assert str(unknown_name("model", "a", [])) == "unknown model 'a'; accepted: none"
