"""Figures of several models: drawn, and of the faces and curves that were given."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from dfdetect.predictions import Predictions
from dfdetect.render.figures.canvas import CLASS_TEXT, ORANGE_TEXT
from dfdetect.render.figures.comparison import MODEL_COLOURS, Curve, faces_and_scores, roc_curves
from face_extraction.images import read_rgb
from face_extraction.manifest import FaceSample


def test_every_curve_is_in_the_figure(tmp_path):
    share = np.linspace(0, 1, 101)
    curves = [
        Curve(f"Model {k}, early stopping", share ** (1 / k), f"0.{50 + k}0 [–]", 90) for k in range(1, 10)
    ]
    panels = {f"Panel {number}": curves[:2] for number in range(4)}
    for name, given in (("many", {"": curves}), ("one", {"": curves[:1]}), ("panels", panels)):
        roc_curves(given, tmp_path / f"{name}.png")
    many, one, apart = (read_rgb(tmp_path / f"{name}.png") for name in ("many", "one", "panels"))
    assert many.shape[0] > one.shape[0]  # room for the legend
    for picture in (many, one, apart):  # no title and no line of the legend is cut
        assert all((edge == 255).all() for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]))
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


def contrast_with_white(colour):
    """The ratio by WCAG."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 1.05 / (np.dot(linear, (0.2126, 0.7152, 0.0722)) + 0.05)


def test_a_name_looks_the_same_in_all_squares_and_no_two_look_alike(tmp_path, drawn):
    names = [f"Model {number}" for number in range(20)]
    curves = [Curve(name, [0.0, 1.0], "0.5", 90 + place) for place, name in enumerate(names)]
    roc_curves({"All": curves, "Some": curves[5:], "One": curves[7:8]}, tmp_path / "roc.png")
    looks = {}
    for axes in drawn[0].axes:
        for line in axes.lines[1:]:
            name = line.get_label().partition(":")[0]
            looks.setdefault(name, set()).add((line.get_color(), line.get_linestyle()))
    assert all(len(look) == 1 for look in looks.values())
    assert len(set.union(*looks.values())) == 20
    styles = [next(iter(looks[name]))[1] for name in names]
    assert all(one != other for one, other in pairwise(styles))
    titles = [axes.get_title() for axes in drawn[0].axes]
    assert titles == ["All, n = 90 to 109", "Some, n = 95 to 109", "One, n = 97"]


def test_curves_have_colours_that_colour_blind_readers_can_tell_apart():
    # Okabe and Ito (2008), less black and the yellow that white swallows.
    theirs = {"#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7"}
    assert set(MODEL_COLOURS[:-1]) == theirs


def test_scores_stand_beside_the_threshold_that_they_are_judged_by(tmp_path, drawn):
    samples = [FaceSample(f"{i}.png", i % 2, "test", str(i)) for i in range(8)]
    scores = np.array([0.50112, 0.50118, 0.2, 0.9, 0.50118, 0.50112, 0.4, 0.50118])
    faces_and_scores(
        [("CNN", Predictions(samples, scores), 0.50114)],
        lambda path: np.full((24, 24, 3), 100, dtype=np.uint8),
        tmp_path / "faces.png",
    )
    texts = [text for axes in drawn[0].axes for text in axes.texts]
    told, *marks = [text.get_text() for text in texts]
    assert told == "CNN\nfake from 0.5011"
    reals, fakes = (
        ["0.501 ✓", "0.200 ✓", "0.5012 ✗", "0.400 ✓"],
        ["0.5012 ✓", "0.900 ✓", "0.501 ✗", "0.5012 ✓"],
    )
    assert marks == [*reals, *fakes]
    titles = [axes.title for axes in drawn[0].axes if axes.get_title()]
    assert all(contrast_with_white(text.get_color()) >= 4.5 for text in (*texts, *titles))


@pytest.mark.parametrize("colour", [*CLASS_TEXT, ORANGE_TEXT])
def test_text_in_figures_has_the_contrast_that_wcag_asks_for(colour):
    assert contrast_with_white(colour) >= 4.5
