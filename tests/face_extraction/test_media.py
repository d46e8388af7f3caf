"""Kinds of files by their names."""

from pathlib import PurePath

import pytest

from face_extraction.media import PHOTO, VIDEO, is_unread, kind_found, kinds_told


@pytest.mark.parametrize("name", ["a.VOB", "a.asf", "a.3g2", "a.m2t", "a.qt", "a.dv", "a.f4v", "a.divx"])
def test_what_cameras_discs_and_old_programs_write_is_a_video(name):
    assert kind_found(PurePath(name)) == VIDEO
    assert not is_unread(PurePath(name))


@pytest.mark.parametrize("name", ["a.MPO", "a.dib", "a.avifs"])
def test_photos_of_rarer_names_are_photos(name):
    assert kind_found(PurePath(name)) == PHOTO


@pytest.mark.parametrize("name", ["a.NRW", "a.x3f", "a.ppm", "a.exr"])
def test_photos_of_kinds_that_are_not_read_are_listed(name):
    assert is_unread(PurePath(name))
    assert kind_found(PurePath(name)) is None


def test_the_counts_of_kinds_add_up():
    names = [PurePath(f"{n}.{kind}") for n in range(2) for kind in "abcdefg"]

    assert kinds_told(names) == "14 (.a 2, .b 2, .c 2, .d 2, .e 2, other kinds 4)"
    assert kinds_told(names[:1]) == "1 (.a 1)"
