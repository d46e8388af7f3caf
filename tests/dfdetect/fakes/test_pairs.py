"""Pairs: what was not faked tells nothing, and the same numbers give the same pair."""

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dfdetect.fakes import disturb
from dfdetect.fakes.pairs import (
    DEFAULT_SHARES,
    Donors,
    PairSampler,
    check_shares,
    draw_pair,
    pose,
    scaled,
    scaled_points,
    working_side,
)
from dfdetect.fakes.registry import Face
from face_extraction.errors import InputError


@pytest.fixture
def sampler(portrait):
    drawn = [portrait(number, 80) for number in range(24)]

    def make(shares=DEFAULT_SHARES, **more):
        groups = [f"g{number // 2}" for number in range(24)]
        return PairSampler(lambda i: drawn[i][0], [each[1] for each in drawn], groups, 48, shares, **more)

    return make


def statistics(picture):
    """Simple numbers that a shortcut would show in: levels, spread, fine structure, the grid of JPEG."""
    values = picture.astype(float)
    fine = [np.abs(np.diff(values, axis=axis)).mean(axis=(0, 1)) for axis in (0, 1)]
    second = [np.abs(np.diff(values, 2, axis=axis)).mean() for axis in (0, 1)]
    steps = np.abs(np.diff(values.mean(axis=2), axis=1)).mean(axis=0)
    grid = steps[7::8].mean() - steps.mean()
    edges = values[:3].mean() - values.mean()
    return [*values.mean(axis=(0, 1)), *values.std(axis=(0, 1)), *np.concatenate(fine), *second, grid, edges]


def separability(pairs):
    """AUC of a logistic regression on simple statistics, trained on one half and measured on the other."""
    features = np.array([statistics(each) for pair in pairs for each in (pair.real, pair.fake)])
    labels = np.tile([0, 1], len(pairs))
    half = len(labels) // 4 * 2
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    model.fit(features[:half], labels[:half])
    return roc_auc_score(labels[half:], model.decision_function(features[half:]))


def test_without_blending_nothing_tells_a_pair_apart(sampler):
    pairs = [sampler({}).pair(index, epoch) for epoch in range(5) for index in range(24)]
    assert all(pair.kind == "" and not pair.mask.any() for pair in pairs)
    for pair in pairs:
        np.testing.assert_array_equal(pair.real, pair.fake)
    assert separability(pairs) == 0.5


def test_the_tiny_model_sees_a_shortcut_where_there_is_one(sampler):
    """The test above could not fail if the model were blind: one more JPEG of the fakes is enough for it."""

    def compressed(picture):
        return cv2.imdecode(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 30))[1], 1)

    pairs = [sampler({}).pair(index, epoch) for epoch in range(5) for index in range(24)]
    assert separability([pair._replace(fake=compressed(pair.fake)) for pair in pairs]) > 0.7


def test_beside_the_mask_both_of_a_pair_are_equal(sampler, monkeypatch):
    """Up to what spreads: that of codecs, blurs and scales, which is left out here, knows no distance."""
    local = (disturb.recolour, disturb.noise)
    monkeypatch.setattr(disturb, "_CHAIN", tuple(each for each in disturb._CHAIN if each[0] in local))
    for index in range(24):
        pair = sampler().pair(index)
        near = cv2.dilate((pair.mask > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
        assert (near == 0).any()
        np.testing.assert_array_equal(pair.real[near == 0], pair.fake[near == 0])


def test_a_pair_follows_from_seed_epoch_and_position_alone(sampler):
    first, again = sampler(seed=7).pair(3, epoch=2), sampler(seed=7).pair(3, epoch=2)
    for one, other in zip(first[:3], again[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    for other in (
        sampler(seed=8).pair(3, 2),
        sampler(seed=7).pair(3, 3),
        sampler(seed=7).pair(3, 2, position=4),
    ):
        assert (first.real != other.real).any()


def test_kinds_are_drawn_in_their_shares(sampler):
    mixed = sampler({"region": 3.0, "smooth": 1.0})
    kinds = [mixed.pair(index, epoch).kind for epoch in range(8) for index in range(24)]
    assert set(kinds) == {"region", "smooth"}
    assert 0.65 < kinds.count("region") / len(kinds) < 0.85


def test_donors_are_near_in_pose_and_of_another_group(portrait):
    points = [portrait(number)[1] for number in range(40)]
    turned = points[0].copy()
    turned[27:36, 0] += 9  # the nose to the side, as of a turned head
    points += [turned, turned + 0.1]
    donors = Donors(points, ["same", "same", *(f"g{n}" for n in range(38)), "x", "y"])
    assert 1 not in donors.near(0)
    assert donors.near(40)[0] == 41
    assert len(donors.near(5)) == 12
    assert Donors(points[:2], ["a", "a"]).near(0) == []


def test_pose_does_not_depend_on_place_and_size(portrait):
    points = portrait(1)[1]
    np.testing.assert_allclose(pose(points), pose(points * 3 + 20), atol=1e-4)


def test_landmarks_are_scaled_with_their_picture(portrait):
    picture, points = portrait(1, 96)
    small = scaled(Face(picture, points), 48)
    assert small.picture.shape == (48, 48, 3)
    np.testing.assert_allclose(small.points, (points + 0.5) / 2 - 0.5, atol=1e-5)
    corner = np.array([[-0.5, -0.5], [95.5, 47.5]], np.float32)
    np.testing.assert_allclose(scaled_points(corner, (48, 96), 10), [[-0.5, -0.5], [9.5, 9.5]])


@pytest.mark.parametrize(
    ("size", "side", "working"), [(160, 256, 200), (160, 170, 170), (160, 100, 160), (224, 224, 224)]
)
def test_fakes_are_made_larger_than_shown_but_of_no_scaled_up_crop(size, side, working):
    assert working_side(size, side) == working


@pytest.mark.parametrize("share", [0, -1, float("nan"), float("inf")])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(InputError, match=r"share .* of the kind of fake 'swap'"):
        check_shares({"swap": share})


def test_swaps_need_two_groups(portrait):
    picture, points = portrait(1)
    with pytest.raises(InputError, match="needs faces of two groups or more"):
        PairSampler(lambda i: picture, [points, points], ["a", "a"], 48, {"swap": 1.0})


def test_a_pair_without_its_landmarks_is_only_disturbed(portrait):
    picture, _ = portrait(1)
    pair = draw_pair(Face(picture, np.zeros((68, 2), np.float32)), np.random.default_rng(0), 48, {})
    assert pair.real.shape == (48, 48, 3)
