"""Error rates of bands that were planted, counted by hand."""

import numpy as np
import pytest

from dfdetect.evaluate.registry import Bands, Slice, list_slices
from dfdetect.evaluate.slicing import measure, subgroups
from dfdetect.metrics.calibrating import Calibration
from dfdetect.predictions import Predictions
from face_extraction.images import write_image
from face_extraction.manifest import FaceSample

CUTS = Calibration().with_cut(0.5, "")
LIGHT = Slice("light", "Light", "Planted.", lambda face: None, Bands(cuts=(10,), names=("dark", "bright")))
METHOD = Slice("method", "Method", "Planted.", lambda face: None, of_fakes=True)


@pytest.fixture
def planted():
    """120 reals and 120 fakes, each its own group; the first half of each class is dark.

    Called fake: 30 of 60 dark reals, and 6 of 60 bright ones. Missed: 3 of 60 dark fakes, and as many bright
    ones.
    """
    samples, scores, light = [], [], []
    for label, dark, bright in ((0, 30, 6), (1, 3, 3)):
        for half, wrong in enumerate((dark, bright)):
            for number in range(60):
                samples.append(
                    FaceSample(f"{label}{half}{number}.png", label, "test", f"{label}{half}{number}")
                )
                scores.append(0.1 + 0.001 * number + 0.5 * ((number < wrong) != bool(label)))
                light.append(5.0 if half == 0 else 20.0)
    return Predictions(samples, np.array(scores)), light


def test_errors_are_counted_and_only_what_differs_is_marked(planted):
    scored, light = planted
    found = subgroups(scored, {LIGHT: light}, CUTS)
    (sliced,) = found.slices
    rates = {band.name: band.rates for band in sliced.bands}
    assert rates["dark"]["false_alarms"].share.value == 30 / 60
    assert rates["bright"]["false_alarms"].share.value == 6 / 60
    assert rates["dark"]["misses"].share.value == rates["bright"]["misses"].share.value == 3 / 60
    marked = {(name, side) for name, each in rates.items() for side in each if each[side].compared.differs}
    assert marked == {("dark", "false_alarms"), ("bright", "false_alarms")}
    assert rates["dark"]["false_alarms"].compared.difference.value == pytest.approx(0.4)
    assert (found.looked_at, found.tests, sliced.unknown) == (2, 4, 0)
    # Every dark fake scores .1 or .6; 30 dark reals score .6 and 30 .1: the order inside is by number.
    assert 0.5 < sliced.bands[0].auc.value < sliced.bands[1].auc.value


def test_the_more_is_looked_at_the_wider_the_intervals(planted):
    scored, light = planted
    chance = np.random.default_rng(0)
    others = {
        Slice(f"chance{n}", "Chance", "Planted.", lambda face: None): chance.random(240).tolist()
        for n in range(6)
    }
    alone = subgroups(scored, {LIGHT: light}, CUTS)
    many = subgroups(scored, {LIGHT: light, **others}, CUTS)
    narrow, wide = (
        each.slices[0].bands[0].rates["false_alarms"].compared.difference for each in (alone, many)
    )
    assert many.tests > 30
    assert wide.low < narrow.low
    marked = [
        each.slice.name
        for each in many.slices
        for band in each.bands
        for rate in band.rates.values()
        if rate.compared and rate.compared.differs
    ]
    assert marked == ["light", "light"]  # 6 properties of pure chance, and none is a finding


def test_a_band_with_too_few_faces_or_groups_gets_no_number(planted):
    scored, light = planted
    few = [5.0 if place < 29 else 20.0 for place in range(240)]
    (sliced,) = subgroups(scored, {LIGHT: few}, CUTS).slices
    dark, bright = sliced.bands
    assert (dark.rates["false_alarms"].n, dark.rates["false_alarms"].share, dark.auc) == (29, None, None)
    assert bright.rates["false_alarms"].compared is None  # there is no rest to compare it with
    one = Predictions([FaceSample(s.path, s.label, "test", "one") for s in scored.samples], scored.p_fake)
    (sliced,) = subgroups(one, {LIGHT: light}, CUTS).slices
    assert sliced.bands[0].rates["false_alarms"].groups == 1
    assert sliced.bands[0].rates["false_alarms"].share is None


def test_what_is_not_known_is_counted_and_in_no_band(planted):
    scored, light = planted
    (sliced,) = subgroups(scored, {LIGHT: [None, *light[1:]]}, CUTS).slices
    assert sliced.unknown == 1
    assert sum(band.rates["false_alarms"].n for band in sliced.bands) == 119
    (empty,) = subgroups(scored, {LIGHT: [None] * 240}, CUTS).slices
    assert (empty.bands, empty.unknown) == ([], 240)


def test_methods_are_of_fakes_and_their_auc_is_against_all_reals(planted):
    scored, _ = planted
    methods = [None] * 120 + ["swap"] * 60 + ["morph"] * 59 + [None]
    (sliced,) = subgroups(scored, {METHOD: methods}, CUTS).slices
    assert [band.name for band in sliced.bands] == ["morph", "swap"]
    assert sliced.unknown == 1  # a fake; reals have no method
    swap = sliced.bands[1]
    assert (swap.rates["false_alarms"].n, swap.rates["misses"].n) == (0, 60)
    reals, fakes = scored.p_fake[:120], scored.p_fake[120:180]
    right = (fakes[:, None] > reals).mean() + (fakes[:, None] == reals).mean() / 2
    assert swap.auc.value == pytest.approx(right)


def test_everything_is_measured_on_every_face_in_order(tmp_path):
    for shade in (10, 200):
        write_image(tmp_path / f"{shade}.png", np.full((20, 20, 3), shade, np.uint8))
    samples = [
        FaceSample("200.png", 0, "test", "a", width=300, height=250, source="s"),
        FaceSample("gone.png", 1, "test", "b", method="swap"),
        FaceSample("10.png", 1, "test", "c"),
    ]
    values = {each.name: found for each, found in measure(tmp_path, samples, 16).items()}
    assert set(values) == {each.name for each in list_slices()}
    assert values["size"] == [250, None, None]
    assert values["method"] == [None, "swap", None]
    assert values["source"] == ["s", None, None]
    assert values["pose"] == [None, None, None]
    bright, gone, dark = values["brightness"]
    assert gone is None
    assert bright > 70 > 10 > dark
