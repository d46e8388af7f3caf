"""What every kind of fake promises; a new one is tested by being there."""

import numpy as np
import pytest

from dfdetect.fakes.pairs import draw_pair, make_fake
from dfdetect.fakes.registry import Face, get_kind, list_kinds, register
from face_extraction.errors import InputError

KINDS = [kind.name for kind in list_kinds()]
NEEDING = [kind.name for kind in list_kinds() if kind.needs_donor]


@pytest.fixture
def face(portrait) -> Face:
    return Face(*portrait(1))


def fake_of(kind, face, seed=0, donor=None):
    return make_fake(kind, face, np.random.default_rng(seed), lambda rng: donor)


def test_the_kinds_that_the_guide_names_are_there():
    assert set(KINDS) >= {"self_blend", "region", "swap", "smooth", "texture"}
    assert NEEDING == ["swap"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_does_and_whom_it_follows(kind):
    about = get_kind(kind)
    assert about.summary.endswith(".")
    assert any(character.isdigit() for character in about.source)


@pytest.mark.parametrize("kind", KINDS)
def test_outside_the_mask_the_fake_is_the_real_face_and_inside_it_is_not(kind, face, portrait):
    before = face.picture.copy(), face.points.copy()
    donor = Face(*portrait(2))
    changed = 0
    for seed in range(12):
        fake = fake_of(kind, face, seed, donor)
        assert (fake.picture.dtype, fake.picture.shape) == (np.uint8, face.picture.shape)
        assert (fake.mask.dtype, fake.mask.shape) == (np.float32, face.picture.shape[:2])
        assert 0 <= fake.mask.min() <= fake.mask.max() <= 1
        np.testing.assert_array_equal(fake.picture[fake.mask == 0], face.picture[fake.mask == 0])
        assert (fake.mask == 0).any()  # a face, not the picture
        assert 0.002 < (fake.mask > 0).mean() < 0.8
        difference = np.abs(fake.picture.astype(int) - face.picture)[fake.mask > 0.2]
        changed += difference.size > 0 and difference.mean() > 0.5
    assert changed >= 9  # a self-blend of a ratio of .25 may show next to nothing
    np.testing.assert_array_equal(face.picture, before[0])
    np.testing.assert_array_equal(face.points, before[1])


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_same_fake_and_another_seed_another(kind, face, portrait):
    donor = Face(*portrait(2))
    first, again, other = (fake_of(kind, face, seed, donor) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert (first.picture != other.picture).any()


@pytest.mark.parametrize("kind", NEEDING)
@pytest.mark.parametrize("seed", range(8))  # blended softly in some, by gradients in others
def test_another_donor_another_fake(kind, seed, face, portrait):
    one, other = (fake_of(kind, face, seed, Face(*portrait(number))) for number in (2, 3))
    assert np.abs(one.picture.astype(int) - other.picture).mean() > 0.5


@pytest.mark.parametrize("kind", NEEDING)
def test_a_kind_that_needs_a_donor_says_so(kind, face):
    with pytest.raises(ValueError, match="donor"):
        make_fake(kind, face, np.random.default_rng(0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [-30, 60])
def test_a_face_that_leaves_the_picture_is_no_crash(kind, shift, face, portrait):
    away = Face(face.picture, face.points + np.float32(shift))
    fake = fake_of(kind, away, 0, Face(*portrait(2)))
    np.testing.assert_array_equal(fake.picture[fake.mask == 0], face.picture[fake.mask == 0])


def test_the_mask_of_a_pair_shows_where_the_fake_differs(face):
    for seed in range(6):
        pair = draw_pair(face, np.random.default_rng(seed), 64, {"self_blend": 1.0})
        assert pair.kind == "self_blend"
        differs = np.abs(pair.real.astype(int) - pair.fake).mean(axis=2)
        if differs.max() > 8:
            assert differs[pair.mask > 0.2].mean() > 2 * differs[pair.mask == 0].mean()


def test_two_kinds_of_one_name_are_refused():
    with pytest.raises(ValueError, match="'self_blend' a second time"):
        register("self_blend", "Again.", "2022")(lambda *_: None)


def test_an_unknown_kind_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown kind of fake 'swop' \(nearest: swap\)"):
        get_kind("swop")
