"""The figure of disturbed faces: its size, and that it can hold anything measured."""

import math

import pytest

from dfdetect.metrics.estimates import Estimate
from dfdetect.render.figures.stress import Panel, Point, stress_panels
from face_extraction.images import read_rgb


def panel(title, count):
    points = [
        Point(str(n), Estimate(0.8 - 0.1 * n, 0.7 - 0.1 * n, 0.9 - 0.1 * n), n > 1) for n in range(count)
    ]
    return Panel(title, "of something", points)


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (7, 6, 2)])
def test_panels_fill_rows(count, columns, rows, tmp_path):
    path = tmp_path / "stress.png"
    stress_panels([panel(f"kind {n}", 5 - n % 2 * 4) for n in range(count)], Estimate(0.8, 0.7, 0.9), path)
    height, width = read_rgb(path).shape[:2]
    assert width == round((0.7 + 2.1 * columns) * 150)
    assert abs(height - (0.7 + 1.95 * rows) * 150) <= 1


def test_a_number_without_an_interval_is_drawn_too(tmp_path):
    bare = Estimate(0.9, math.nan, math.nan)
    path = tmp_path / "stress.png"
    stress_panels([Panel("one", "", [Point("1", bare, False)])], bare, path)
    assert (read_rgb(path) < 100).any()


def test_the_interval_of_a_single_point_is_a_bar_through_it(drawn, tmp_path):
    stress_panels([panel("one", 1)], Estimate(0.8, 0.7, 0.9), tmp_path / "stress.png")
    (axes,) = (axes for axes in drawn[0].axes if axes.get_title() == "one")
    drawn_from_to = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert ([1, 1], [0.7, 0.9]) in drawn_from_to
