"""The contract of every kind of disturbance."""

import numpy as np
import pytest

from dfdetect.stress.chance import chance_of
from dfdetect.stress.registry import STEPS, get_kind, list_kinds
from face_extraction.errors import InputError

KINDS = {kind.name: kind for kind in list_kinds()}


def disturbed(kind, picture, severity, seed=0, path="a.png"):
    return kind.disturb(picture, severity, chance_of(seed, kind.name, path))


def distance(one, other):
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("shape", [(72, 72), (61, 47)])
def test_a_kind_gives_a_picture_of_the_same_form_and_the_same_again(name, shape, portrait):
    kind = KINDS[name]
    picture = portrait(1, 72)[0][: shape[0], : shape[1]].copy()
    before = picture.copy()
    for severity in kind.severities:
        found = disturbed(kind, picture, severity)
        assert (found.dtype, found.shape) == (np.uint8, picture.shape)
        np.testing.assert_array_equal(found, disturbed(kind, picture, severity))
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if len(kind.severities) > 1])
def test_the_mildest_severity_is_nearer_to_the_picture_than_the_hardest(name, portrait):
    kind = KINDS[name]
    assert len(kind.severities) == STEPS
    for seed in range(3):
        picture = portrait(seed, 96)[0]
        mild, hard = (
            distance(disturbed(kind, picture, kind.severities[step], seed), picture) for step in (0, -1)
        )
        assert 0 < mild < hard


def test_only_mirroring_has_no_degrees():
    assert [name for name, kind in KINDS.items() if len(kind.severities) != STEPS] == ["flip"]


@pytest.mark.parametrize("name", ["noise", "sticker", "screenshot", "rotation", "h264"])
def test_chance_follows_the_seed_and_the_face(name, portrait):
    kind, picture = KINDS[name], portrait(1, 72)[0]
    variants = {
        disturbed(kind, picture, kind.severities[-1], seed, path).tobytes()
        for seed in range(4)
        for path in ("a.png", "b.png", "c.png")
    }
    assert len(variants) > 1


def test_severities_are_told_in_words():
    assert get_kind("jpeg").shown(30) == "quality 30"
    assert get_kind("crop_scale").shown(1.05) == "1.05 times closer"
    assert all(kind.summary.endswith(".") for kind in KINDS.values())


def test_an_unknown_kind_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"unknown kind of disturbance 'jpg' .nearest: jpeg"):
        get_kind("jpg")


def test_what_single_kinds_do(portrait):
    picture = portrait(2, 80)[0]
    np.testing.assert_array_equal(disturbed(KINDS["flip"], picture, 1), picture[:, ::-1])
    pale = disturbed(KINDS["saturation"], picture, 0)
    assert np.ptp(pale.astype(int), axis=2).max() == 0
    field = disturbed(KINDS["noise"], np.full((80, 80, 3), 128, np.uint8), 10).astype(float) - 128
    assert abs(field.std() - 10) < 0.3
    covered = (disturbed(KINDS["sticker"], picture, 10) != picture).any(axis=2).mean()
    assert abs(covered - 0.1) < 0.015
    changed = (disturbed(KINDS["mask"], picture, 40) != picture).any(axis=2)
    assert not changed[: int(0.5 * 80)].any()
    red, _, blue = disturbed(KINDS["white_balance"], np.full((8, 8, 3), 100, np.uint8), 25)[0, 0].tolist()
    assert {red, blue} == {125, 80}


def test_uneven_light_has_the_ratio_and_the_depth_that_are_told():
    grey = np.full((81, 81, 3), 90, np.uint8)
    for seed in range(8):
        lit = disturbed(KINDS["side_light"], grey, 2.5, seed)[:, :, 0].astype(float)
        assert abs(lit.max() / lit.min() - 2.5) < 0.06
        assert abs(lit[40, 40] - 90) <= 1
        shaded = disturbed(KINDS["shadow"], grey, 60, seed)[:, :, 0]
        assert (int(shaded.min()), int(shaded.max())) == (36, 90)
        assert 0.2 < (shaded < 63).mean() < 0.8
    dark = disturbed(KINDS["vignette"], grey, 30)[:, :, 0]
    # The corners lose 30 %, the middle of each side half of that, the middle nothing.
    assert [int(dark[0, 0]), int(dark[40, 0]), int(dark[80, 40]), int(dark[40, 40])] == [63, 76, 76, 90]
