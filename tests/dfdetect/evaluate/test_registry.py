"""What every slice keeps to, and how numbers are cut into bands."""

import contextlib
import re

import numpy as np
import pytest

from dfdetect.evaluate.registry import Bands, Face, list_slices
from face_extraction.images import Unreadable, write_image
from face_extraction.manifest import FaceSample

EVERY = pytest.mark.parametrize("each", list_slices(), ids=lambda each: each.name)


@pytest.fixture
def face(portrait, tmp_path):
    """A drawn face with all that a manifest can know."""
    picture, points = portrait(3, 96)
    picture[..., 2] //= 3  # skin has more red than blue
    write_image(tmp_path / "a.png", picture)
    sample = FaceSample("a.png", 1, "test", "g", width=150, height=160, method="swap", source="drawn")
    return Face(sample, tmp_path / "a.png", 64, points)


@EVERY
def test_a_slice_measures_a_face_alike_each_time_and_changes_nothing(each, face):
    before = face.picture.copy(), face.points.copy()
    value = each.measure(face)
    assert isinstance(value, float | int | str)
    assert each.measure(Face(face.sample, face.path, face.side, face.points)) == value
    assert np.array_equal(face.picture, before[0])
    assert np.array_equal(face.points, before[1])
    if not isinstance(value, str):
        names, (place,) = each.bands.of([value])
        assert names[place] in (*each.bands.names, *names)
    assert each.show(value)


@EVERY
def test_what_is_not_known_is_none_and_no_guess(each, tmp_path):
    """A bare row without a file: a value could only be made up."""
    face = Face(FaceSample("gone.png", 0, "test", "g"), tmp_path / "gone.png", 64)
    with contextlib.suppress(Unreadable):
        assert each.measure(face) is None


@EVERY
def test_a_flat_or_grey_picture_breaks_nothing(each, tmp_path, face):
    for shade in (0, 128, 255):
        write_image(tmp_path / "flat.png", np.full((8, 5, 3), shade, np.uint8))
        value = each.measure(Face(face.sample, tmp_path / "flat.png", 64, np.zeros((68, 2), np.float32)))
        assert value is None or isinstance(value, float | int | str)


@EVERY
def test_a_slice_tells_readers_what_it_means(each):
    assert re.fullmatch(r"[a-z_]+", each.name)
    assert each.title[0].isupper()
    assert each.meaning.endswith(".")


def test_a_number_equal_to_a_cut_is_in_the_lower_band():
    bands = Bands(unit=" px", cuts=(100, 200), names=())
    names, places = bands.of([99, 100, 101, 200, 201])
    assert names == ["up to 100 px", "100 to 200 px", "above 200 px"]
    assert places == [0, 0, 1, 1, 2]


def test_without_cuts_numbers_are_cut_at_their_quartiles():
    names, places = Bands().of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    assert names == ["up to 2.75", "2.75 to 4.5", "4.5 to 6.25", "above 6.25"]
    assert places == [0, 0, 1, 1, 2, 2, 3, 3]
    assert Bands().of([2.0, 2.0, 2.0])[1] == [0, 0, 0]


def test_bands_of_near_numbers_have_names_of_their_own():
    """Names are keys in slices.json."""
    names, _ = Bands(" px").of([0.12341, 0.12342, 0.12343, 0.12344, 0.12345])
    assert names == ["up to 0.12342 px", "0.12342 to 0.12343 px", "0.12343 to 0.12344 px", "above 0.12344 px"]


@pytest.mark.parametrize("given", [{"cuts": (2, 1)}, {"cuts": (1, 1)}, {"cuts": (1,), "names": ("a",)}])
def test_bands_that_are_none_are_refused(given):
    with pytest.raises(ValueError, match="ascend"):
        Bands(**given)
