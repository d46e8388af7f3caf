import cv2
import numpy as np
import pytest

from dfdetect.sample.films import film
from dfdetect.sample.identity import draw_identity
from dfdetect.sample.people import JAW, NOSE, Person
from dfdetect.sample.swaps import Shot, SwapStyle, draw_style, face_mask, swap_face, swap_film, warp_map


@pytest.fixture(scope="module")
def clips():
    """Two people's clips."""
    people = (Person(draw_identity(np.random.default_rng(seed))) for seed in (2, 13))
    return [film(person, np.random.default_rng(9), 4) for person in people]


def shot(film):
    """The first picture of a film."""
    return Shot(film.frames[0], film.landmarks[0])


def test_the_warp_of_an_affine_change_is_that_change_everywhere():
    rng = np.random.default_rng(0)
    points = rng.uniform(20, 180, (40, 2))
    matrix, shift = np.array([[1.1, 0.2], [-0.1, 0.9]]), np.array([5.0, -3.0])
    x, y = warp_map(points, points @ matrix.T + shift, (150, 200))
    columns, rows = np.meshgrid(np.arange(200), np.arange(150))
    expected = np.stack([columns, rows], axis=-1) @ matrix.T + shift
    np.testing.assert_allclose(np.stack([x, y], axis=-1), expected, atol=1e-3)


def test_the_warp_brings_sources_to_their_points(clips):
    target, donor = clips
    points, sources = target.landmarks[0], donor.landmarks[0]
    x, y = warp_map(points, sources, (320, 320))
    at = np.round(points).astype(int)
    found = np.stack([x, y], axis=-1)[at[:, 1], at[:, 0]]
    assert np.abs(found - sources).mean() < 1.0


def test_the_mask_covers_the_inner_face_only(clips):
    points = clips[0].landmarks[0]
    mask = face_mask(points, (320, 320), SwapStyle(feather=2.0))
    nose = np.round(points[NOSE]).astype(int)
    jaw = np.round(points[JAW]).astype(int)
    assert mask[nose[:, 1], nose[:, 0]].min() > 0.99
    assert mask[jaw[:, 1], jaw[:, 0]].max() < 0.01


def test_a_swap_changes_the_face_and_nothing_else(clips):
    target, donor = clips
    picture, points = target.frames[0], target.landmarks[0]
    style = SwapStyle()
    swapped = swap_face(shot(target), shot(donor), style)
    mask = face_mask(points, (320, 320), style)
    change = np.abs(swapped.astype(int) - picture).mean(axis=2)
    assert change[mask == 0].max() == 0
    assert change[mask > 0.9].mean() > 5


def test_a_swap_brings_the_targets_mean_colour(clips):
    target, donor = clips
    picture, points = target.frames[0], target.landmarks[0]
    inside = face_mask(points, (320, 320), SwapStyle()) > 0.9

    def distance(strength: float) -> float:
        made = swap_face(shot(target), shot(donor), SwapStyle(resolution=140, colour=strength))
        lab, wanted = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB)[inside].mean(axis=0) for each in (made, picture))
        return float(np.abs(lab - wanted).max())

    assert distance(1.0) < 3
    assert distance(0.0) > 2 * distance(1.0)


def test_a_person_swapped_with_themselves_only_loses_detail(clips):
    clip = clips[0]
    picture, points = clip.frames[0], clip.landmarks[0]
    inside = face_mask(points, (320, 320), SwapStyle()) > 0.9

    def change(resolution: int) -> float:
        made = swap_face(shot(clip), shot(clip), SwapStyle(resolution=resolution))
        return float(np.abs(made.astype(int) - picture)[inside].mean())

    assert change(150) < 3
    assert change(40) > 1.5 * change(150)


def test_a_brighter_donor_shows(clips):
    target, donor = clips
    arguments = shot(target), shot(donor), SwapStyle()
    assert swap_face(*arguments, gain=1.1).mean() > swap_face(*arguments, gain=1.0).mean() + 0.5


def test_a_swapped_clip_is_as_long_as_its_target_and_repeats_by_seed(clips):
    target, donor = clips
    made = [swap_film(target, donor, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert len(made[0]) == len(target.frames)
    np.testing.assert_array_equal(made[0], made[1])
    assert (np.array(made[0]) != np.array(made[2])).any()


def test_styles_vary():
    styles = [draw_style(np.random.default_rng(seed)) for seed in range(20)]
    assert np.ptp([style.resolution for style in styles]) > 20
    assert all(0.7 <= style.colour <= 1 for style in styles)
