import numpy as np
import pytest

from dfdetect.sample.canvas import Sheet, colour, curve, layer, paint, smooth_step

SHEET = Sheet(width=200, height=160, left=100, top=80, scale=50)


def test_a_filled_square_covers_its_area():
    square = np.array([[-1.0, -0.5], [0.5, -0.5], [0.5, 0.7], [-1.0, 0.7]])
    # OpenCV's polygons include their edge, which adds about half a pixel all round.
    assert SHEET.fill(square).sum() == pytest.approx(76 * 61, rel=0.02)


def test_a_disc_covers_its_area():
    assert SHEET.disc(0.1, -0.2, 0.6).sum() == pytest.approx(np.pi * 30**2, rel=0.01)


def test_a_window_shows_what_the_whole_sheet_shows_there():
    line = np.array([[0.1, 0.1], [0.5, 0.4], [0.3, 0.6]])
    window = SHEET.window(0.33, 0.31, 0.4, 0.45)
    place = SHEET.place(window)
    np.testing.assert_array_equal(window.fill(line), SHEET.fill(line)[place])
    np.testing.assert_allclose(
        window.bell(0.2, 0.3, 0.1, 0.2), SHEET.bell(0.2, 0.3, 0.1, 0.2)[place], atol=1e-5
    )


def test_a_curve_goes_through_its_points_and_keeps_a_straight_line_straight():
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4]], np.float32)
    np.testing.assert_allclose(curve(points, 31)[::10], points, atol=1e-5)
    straight = curve([[0, 0], [1, 1], [2, 2]], 9)
    np.testing.assert_allclose(straight[:, 0], np.linspace(0, 2, 9), atol=1e-6)
    np.testing.assert_allclose(straight[:, 0], straight[:, 1], atol=1e-6)


def test_paint_mixes_by_mask_and_opacity_and_leaves_the_rest():
    image = np.zeros((4, 5, 3), np.float32)
    mask = np.zeros((4, 5), np.float32)
    mask[1, 2], mask[2, 3] = 1.0, 0.5
    paint(image, colour(255, 51, 0), mask, 0.5)
    np.testing.assert_allclose(image[1, 2], [0.5, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose(image[2, 3], [0.25, 0.05, 0], atol=1e-6)
    assert np.count_nonzero(image) == 4


def test_paint_with_an_empty_mask_changes_nothing():
    image = np.full((4, 5, 3), 0.3, np.float32)
    paint(image, colour(255, 255, 255), np.zeros((4, 5), np.float32))
    assert (image == np.float32(0.3)).all()


def test_a_layer_holds_colours_multiplied_by_their_mask():
    made = layer(np.full((2, 2, 3), 0.8, np.float32), np.array([[0, 0.5], [1, 1]], np.float32))
    np.testing.assert_allclose(made[0, 1], [0.4, 0.4, 0.4, 0.5])
    np.testing.assert_allclose(made[0, 0], 0)


def test_smooth_step_rises_and_turned_round_falls():
    values = np.array([-1, 0.5, 2], np.float32)
    np.testing.assert_allclose(smooth_step(values, 0, 1), [0, 0.5, 1])
    np.testing.assert_allclose(smooth_step(values, 1, 0), [1, 0.5, 0])
