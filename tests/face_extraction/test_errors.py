"""The wording of wrong names, and of errors that nobody foresaw."""

import errno

import cv2
import numpy as np
import pytest

from face_extraction.errors import InputError, check_name, check_range, unforeseen, unknown_name


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


def test_a_name_passes_if_it_is_accepted_and_else_gets_that_line():
    check_name("model", "vgg16", ["xception", "vgg16"])
    with pytest.raises(InputError, match=r"^a\.toml: unknown model 'qqq'; accepted: vgg16, xception$"):
        check_name("model", "qqq", ["xception", "vgg16"], "a.toml")


def test_nothing_to_choose_from_is_said():
    assert str(unknown_name("model", "a", [])) == "unknown model 'a'; accepted: none"


def _opencv_without_memory():
    try:
        cv2.resize(np.zeros((2, 2, 3), np.uint8), (2**31 - 1, 2**31 - 1))
    except cv2.error as error:
        return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\nlines"), "ValueError: two lines"),
        (MemoryError(), "out of memory: MemoryError"),
        (MemoryError("std::bad_alloc"), "out of memory: std::bad_alloc"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory: [Errno 12] Cannot allocate memory"),
        (OSError("out of memory when reading image file"), "out of memory: out of memory when reading image"),
        (OSError(errno.ENOSPC, "No space left"), "OSError: [Errno 28] No space left"),
    ],
)
def test_an_unforeseen_error_is_one_line_that_names_memory_if_it_ran_out(error, line):
    assert unforeseen(error).startswith(line)


def test_libraries_errors_name_memory_too():
    assert unforeseen(_opencv_without_memory()).startswith("out of memory: OpenCV")


def test_a_range_names_the_thing_both_ends_and_the_unit():
    for given in (1, 2000, 3.5):
        check_range("--size", given, 1, 2000)
    with pytest.raises(InputError) as refused:
        check_range("--size", 2001, 1, 2000, "pixels")
    assert str(refused.value) == "--size 2001; accepted: 1 to 2,000 pixels"
    with pytest.raises(InputError, match=r"^share nan; accepted: 0 to 1$"):
        check_range("share", float("nan"), 0, 1)
