"""Figures of explanations: the pictures and numbers that they show."""

import numpy as np
import pytest

from dfdetect.render.figures.canvas import BLUE, ORANGE
from dfdetect.render.figures.explanation import (
    HeatPictures,
    Prediction,
    explained_face,
    fading_curves,
    heat_sheet,
)

FACE, HEAT, LAID = (np.full((8, 8, 3), level, np.uint8) for level in (50, 100, 150))


def shown(figure):
    """The levels of the pictures of a figure, in the order of its axes."""
    return [int(image.get_array()[0, 0, 0]) for axes in figure.axes for image in axes.images]


def words(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in (*axes.texts, axes.title))


def test_a_face_stands_beside_its_maps_and_its_prediction(drawn, tmp_path):
    maps = [HeatPictures("Grad-CAM", HEAT, LAID), HeatPictures("Occlusion", LAID, HEAT)]
    explained_face(FACE, maps, Prediction(0.4996, 0.5, "no conclusion"), tmp_path / "a.png")
    (figure,) = drawn
    assert shown(figure) == [50, 100, 150, 150, 100]
    for said in ("Grad-CAM: heat map", "Occlusion: heat map", "0.4996", "no conclusion", "Prediction"):
        assert said in words(figure)
    assert (tmp_path / "a.png").is_file()


def test_what_must_be_known_of_a_map_stands_upon_it(drawn, tmp_path):
    maps = [
        HeatPictures("m", HEAT, LAID),
        HeatPictures("n", HEAT, LAID, "Nothing raised the score of this face."),
    ]
    explained_face(FACE, maps, Prediction(0.9, 0.7, "x"), tmp_path / "a.png")
    (figure,) = drawn
    plain, noted = (axes for axes in figure.axes if axes.get_title().endswith("heat map"))
    assert (
        " ".join(text.get_text() for text in noted.texts).split()
        == "Nothing raised the score of this face.".split()
    )
    assert not "".join(text.get_text() for text in plain.texts)


def test_the_scores_bar_ends_at_the_score_and_the_mark_stands_at_the_threshold(drawn, tmp_path):
    explained_face(FACE, [HeatPictures("m", HEAT, LAID)], Prediction(0.9, 0.7, "x"), tmp_path / "a.png")
    (figure,) = drawn
    track, bar, mark = figure.axes[-1].lines
    assert track.get_xdata().tolist() == [0, 1]
    assert bar.get_xdata().tolist() == [0, 0.9]
    assert set(mark.get_xdata().tolist()) == {0.7}


@pytest.mark.parametrize(("score", "colour"), [(0.7, ORANGE), (0.6, BLUE)])
def test_the_bar_has_the_colour_of_fakes_from_the_threshold_on(score, colour, drawn, tmp_path):
    explained_face(FACE, [HeatPictures("m", HEAT, LAID)], Prediction(score, 0.7, "x"), tmp_path / "a.png")
    assert drawn[0].axes[-1].lines[1].get_color() == colour


def test_curves_are_drawn_in_their_panels_and_baselines_in_grey(drawn, tmp_path):
    panels = {
        "falls": {"m": [1, 0.2, 0], "blob": [1, 0.9, 0]},
        "rises": {"m": [0, 0.7, 1], "blob": [0, 0.1, 1]},
    }
    fading_curves(panels, ["blob"], tmp_path / "c.png")
    (figure,) = drawn
    assert [axes.get_title() for axes in figure.axes] == ["falls", "rises"]
    for axes, curves in zip(figure.axes, panels.values(), strict=True):
        assert [line.get_ydata().tolist() for line in axes.lines] == [*curves.values()]
        assert axes.lines[0].get_xdata().tolist() == [0, 0.5, 1]
        assert axes.lines[0].get_color() != axes.lines[1].get_color()


def test_a_sheet_has_a_title_a_column(drawn, tmp_path):
    heat_sheet([[FACE, HEAT], [LAID, FACE]], ["Fake", "Altered"], tmp_path / "s.png")
    (figure,) = drawn
    assert shown(figure) == [50, 100, 150, 50]
    assert [axes.get_title() for axes in figure.axes] == ["Fake", "Altered", "", ""]
