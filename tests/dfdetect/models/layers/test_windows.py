"""Window attention: who sees whom, at sizes that windows tile and at others."""

import keras
import numpy as np
import pytest

from dfdetect.models.layers.windows import WindowAttention


def drawn(**settings) -> WindowAttention:
    return WindowAttention(heads=2, window=3, **settings)


def seen(layer: WindowAttention, side: int, place: tuple[int, int]) -> np.ndarray:
    """The places (side, side) of the output that change when the input changes at `place`."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, side, side, 4)).astype("float32")
    other = x.copy()
    other[0, place[0], place[1]] += 1
    return np.any(np.abs(np.array(layer(other)) - np.array(layer(x))) > 1e-7, axis=-1)[0]


def box(side: int, rows: slice, columns: slice) -> np.ndarray:
    places = np.zeros((side, side), bool)
    places[rows, columns] = True
    return places


def test_place_is_seen_in_its_window_alone():
    assert np.array_equal(seen(drawn(), 9, (4, 2)), box(9, slice(3, 6), slice(0, 3)))


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [
        # Windows of 3 shifted by 1: 0 | 1 2 3 | 4 5 6 | 7 8, and the rims 0 and 7 8 do not meet.
        ((4, 2), slice(4, 7), slice(1, 4)),
        ((0, 8), slice(0, 1), slice(7, 9)),
        ((7, 0), slice(7, 9), slice(0, 1)),
        ((8, 8), slice(7, 9), slice(7, 9)),
    ],
)
def test_shifted_windows_do_not_join_opposite_borders(place, rows, columns):
    assert np.array_equal(seen(drawn(shifted=True), 9, place), box(9, rows, columns))


def test_map_of_one_window_is_not_shifted():
    assert seen(drawn(shifted=True), 3, (0, 0)).all()


@pytest.mark.parametrize("shifted", [False, True])
def test_map_that_windows_do_not_tile_keeps_its_size(shifted):
    layer = drawn(shifted=shifted)
    places = seen(layer, 8, (7, 7))
    assert np.array_equal(places, box(8, slice(7 if shifted else 6, 8), slice(7 if shifted else 6, 8)))


def test_bias_is_of_relative_positions():
    # With queries of zero the bias alone decides: a large one for "one row up" makes each place take
    # the value of the place above it.
    layer = drawn()
    layer.build((None, 3, 3, 4))
    layer.qkv.kernel.assign(np.hstack([np.zeros((4, 8)), np.eye(4)]))
    layer.project.kernel.assign(np.eye(4))
    table = np.zeros((25, 2))
    # Row and column of the place looked from, less those of the place looked at, each from -2 on.
    table[(1 + 2) * 5 + (0 + 2)] = 50
    layer.bias.assign(table)
    x = np.random.default_rng(0).normal(size=(2, 3, 3, 4)).astype("float32")
    np.testing.assert_allclose(np.array(layer(x))[:, 1:], x[:, :-1], atol=1e-5)


def test_layer_is_saved_with_the_model(tmp_path):
    image = keras.Input((6, 6, 4))
    model = keras.Model(image, drawn(shifted=True)(image))
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.array(again(x)), np.array(model(x)))
