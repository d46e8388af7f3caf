"""The state of a training in a file."""

import keras
import numpy as np
import pytest

from dfdetect.fakes.gan.checkpoint import load_state, save_state
from face_extraction.errors import InputError


def variables(*values):
    return [keras.Variable(np.array(value, np.float32)) for value in values]


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "state.npz"
    save_state(path, 7, {"one": variables([1, 2], 3), "other": variables(4)})
    one, other = variables([0, 0], 0), variables(0)
    assert load_state(path, {"one": one, "other": other}) == 7
    np.testing.assert_array_equal(one[0], [1, 2])
    assert float(one[1]) == 3
    assert float(other[0]) == 4
    (alone,) = variables(0)
    assert load_state(path, {"other": [alone]}) == 7  # a generator needs its own part only


def test_other_networks_are_refused(tmp_path):
    path = tmp_path / "state.npz"
    save_state(path, 7, {"one": variables(1)})
    with pytest.raises(InputError, match="a checkpoint of other networks"):
        load_state(path, {"one": variables(1, 2)})
    with pytest.raises(InputError, match="not a checkpoint"):
        load_state(path, {"one": variables([1, 2])})


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    save_state(path, 7, {"one": variables(1)})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"not a checkpoint .*; delete it to train again"):
        load_state(path, {"one": variables(1)})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"step": [1, 2], "one/0": 1.0}, "not a checkpoint"),
        ({"step": -1, "one/0": 1.0}, "step -1"),
        ({"step": "many", "one/0": 1.0}, "not a checkpoint"),
        ({"step": 1, "one/0": "words"}, "not a checkpoint"),
        ({"step": 1, "one/0": np.zeros(10**6)}, "one/0 is too large"),
    ],
)
def test_a_strangers_file_is_one_line(tmp_path, arrays, words):
    path = tmp_path / "state.npz"
    np.savez_compressed(path, **{name: np.array(value) for name, value in arrays.items()})
    with pytest.raises(InputError, match=words):
        load_state(path, {"one": variables(1)})


def test_a_single_array_is_no_checkpoint(tmp_path):
    path = tmp_path / "state.npz"
    with path.open("wb") as handle:
        np.save(handle, np.zeros(3))
    with pytest.raises(InputError, match="not a checkpoint"):
        load_state(path, {"one": variables(1)})


def test_a_full_disk_leaves_the_last_state(tmp_path, full_disk):
    path = tmp_path / "state.npz"
    save_state(path, 7, {"one": variables(1)})
    with full_disk(2000), pytest.raises(OSError, match=r"state\.npz"):
        save_state(path, 8, {"one": variables(np.zeros(5000))})
    assert load_state(path, {"one": variables(1)}) == 7
    assert [each.name for each in tmp_path.iterdir()] == ["state.npz"]
