"""The pointing game and the IoU by hand, and fakes whose altered region is known."""

import numpy as np
import pytest

from dfdetect.explain.orders import BASELINES, ranks_of
from dfdetect.explain.regions import compare, make_altered, point
from dfdetect.fakes.reals import find_reals
from dfdetect.fakes.registry import list_kinds
from face_extraction.manifest import read_manifest


def test_pointing_and_iou_by_hand():
    region = np.zeros((3, 4, 4), bool)
    region[:, 0] = True  # the four pixels of the first row
    heat = np.zeros((3, 4, 4), np.float32)
    heat[0, 0] = [4, 3, 2, 1]  # exactly the region
    heat[1, 0, :2], heat[1, 1, :2] = (4, 3), (2, 1)  # half of it
    heat[2, 3] = [4, 3, 2, 1]  # none of it
    found = point(region, ranks_of(heat, 0))
    assert found["pointing"].tolist() == [1, 1, 0]
    assert found["iou"].tolist() == pytest.approx([1, 2 / 6, 0])


def test_gains_are_over_the_same_faces():
    values = {"pointing": np.array([1.0, 1, 0]), "iou": np.array([0.5, 0.4, 0.3])}
    none = {"pointing": np.zeros(3), "iou": np.full(3, 0.1)}
    found = compare({"method": values, **dict.fromkeys(BASELINES, none)}, np.arange(3))
    assert found["method"].gains["random"]["iou"].value == pytest.approx(0.3)
    assert found["method"].gains["centre"]["pointing"].value == pytest.approx(2 / 3)
    assert found["random"].gains == {}


@pytest.mark.parametrize("kind", [kind.name for kind in list_kinds()])
def test_fakes_differ_from_their_reals_within_the_region(kind, write_portraits, tmp_path):
    manifest = write_portraits(tmp_path, train=4, val=0, test=0)
    reals, _ = find_reals(manifest, read_manifest(manifest))
    made = make_altered(reals, kind, [0, 1, 2, 3], 48, 0)
    assert made.faces.shape == made.reals.shape == (len(made.regions), 48, 48, 3)
    assert made.regions.any(axis=(1, 2)).all()
    assert set(made.groups.tolist()) <= {0, 1}
    change = np.abs(made.faces.astype(float) - made.reals).mean(axis=-1)
    inside = change[made.regions].mean()
    assert inside > change[~made.regions].mean()
    again = make_altered(reals, kind, [0, 1, 2, 3], 48, 0)
    assert np.array_equal(made.faces, again.faces)
