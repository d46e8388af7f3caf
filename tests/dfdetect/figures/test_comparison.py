"""Figures of several models: drawn, and of the faces and curves that were given."""

import numpy as np

from dfdetect.figures.comparison import Curve, faces_and_scores, roc_curves
from dfdetect.predictions import Predictions
from face_extraction.images import read_rgb
from face_extraction.manifest import FaceSample


def test_every_curve_is_in_the_figure(tmp_path):
    share = np.linspace(0, 1, 101)
    curves = [Curve(f"Model {k}, early stopping", share ** (1 / k), f"0.{50 + k}0 [–]") for k in range(1, 10)]
    panels = {f"Panel {number}": curves[number : number + 2] for number in range(4)}
    for name, given in (("many", {"": curves}), ("one", {"": curves[:1]}), ("panels", panels)):
        roc_curves(given, tmp_path / f"{name}.png")
    many, one, apart = (read_rgb(tmp_path / f"{name}.png") for name in ("many", "one", "panels"))
    assert many.shape[0] > one.shape[0]  # room for the legend
    blue, orange = ((0, 114, 178), (213, 94, 0))
    assert all((many == colour).all(axis=2).any() for colour in (blue, orange))
    assert not (one == orange).all(axis=2).any()
    height, width = apart.shape[0] // 2, apart.shape[1] // 3
    for place in range(6):  # Two rows of three, the last two of them empty.
        row, column = divmod(place, 3)
        # Without its upper edge, where the legend of the row above may reach.
        panel = apart[row * height + height // 5 : (row + 1) * height, column * width : (column + 1) * width]
        assert (panel == orange).all(axis=2).any() == (place < 4)


def test_faces_of_both_classes_are_loaded_once_for_all_models(tmp_path):
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(20)]
    models = [
        (name, Predictions(samples, np.random.default_rng(seed).random(20)), 0.5)
        for seed, name in enumerate(("Custom CNN", "VGG-16", "ResNet-50"))
    ]
    loaded = []

    def load(path):
        loaded.append(int(path.removesuffix(".png")))
        return np.full((24, 24, 3), 100, dtype=np.uint8)

    faces_and_scores(models, load, tmp_path / "faces.png")
    assert sorted(index % 2 for index in loaded) == [0] * 4 + [1] * 4
    assert len(set(loaded)) == 8
    assert read_rgb(tmp_path / "faces.png").std() > 10
