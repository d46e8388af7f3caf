"""What a perfectly calibrated model would show as its calibration error, against values by hand."""

import numpy as np
import pytest

from dfdetect.metrics.estimates import Metrics, compute_metrics
from dfdetect.metrics.ideal import Ideal, ideal_ece
from dfdetect.metrics.measures import measure, prepare
from dfdetect.predictions import Predictions
from face_extraction.manifest import FaceSample


def photos(*scores):
    samples = [FaceSample(f"{n}.png", n % 2, "test", f"person {n}") for n in range(len(scores))]
    return Predictions(samples, np.array(scores))


def video(*scores):
    samples = [FaceSample(f"{n}.png", 1, "test", "person", video="v.mp4") for n in range(len(scores))]
    return Predictions(samples, np.array(scores))


def test_one_photo_of_a_half_is_off_by_a_half_whatever_it_is():
    assert ideal_ece(photos(0.5)) == Ideal(0.5, 0.5)


def test_certain_scores_are_never_off():
    assert ideal_ece(photos(0.0, 1.0)) == Ideal(0.0, 0.0)


def test_two_photos_of_a_bin_cancel_out_half_of_the_time():
    """Two of .5: with chance 1/2 one is fake and the gap 0, else both or none are and it is .5."""
    found = ideal_ece(photos(0.5, 0.5), draws=20_000)
    assert found.mean == pytest.approx(0.25, abs=0.01)
    assert found.high == 0.5


def test_faces_of_one_video_are_all_fake_or_all_real():
    """Two of .5 in one video never cancel out."""
    assert ideal_ece(video(0.5, 0.5)) == Ideal(0.5, 0.5)


def test_faces_of_one_video_with_unequal_scores_follow_one_random_number():
    """.62 and .65 share a bin: below .62 both are fake, above .65 both are real, between them one is."""
    found = ideal_ece(video(0.62, 0.65), draws=50_000)
    by_hand = 0.62 * (2 - 1.27) / 2 + 0.03 * (1.27 - 1) / 2 + 0.35 * 1.27 / 2
    assert found.mean == pytest.approx(by_hand, abs=0.003)
    assert found.high == pytest.approx(1.27 / 2, abs=1e-6)


def test_a_calibrated_model_lies_below_the_high_end_in_95_of_100_cases():
    rng = np.random.default_rng(1)
    p = rng.random(200)
    known = ideal_ece(photos(*p))
    below, errors = 0, []
    for _ in range(2000):
        labels = (rng.random(200) < p).astype(np.int64)
        errors.append(measure(prepare(labels, p, np.arange(200), 0.5), np.ones((1, 200)))["ece"][0])
        below += errors[-1] <= known.high
    assert below / 2000 == pytest.approx(0.95, abs=0.02)
    assert np.mean(errors) == pytest.approx(known.mean, rel=0.03)


def test_nothing_to_draw_gives_nothing():
    assert ideal_ece(photos()) is None
    assert ideal_ece(photos(0.5), draws=0) is None


def test_metrics_carry_it_into_their_record_and_back():
    scored = photos(*np.linspace(0, 1, 40))
    measured = compute_metrics(scored, threshold=0.5)
    assert measured.ideal_ece == ideal_ece(scored)
    assert Metrics.from_dict(measured.to_dict()).ideal_ece == measured.ideal_ece
    old = {name: value for name, value in measured.to_dict().items() if name != "ideal_ece"}
    assert Metrics.from_dict(old).ideal_ece is None
