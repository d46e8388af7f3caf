"""Variables in one file: what is stored comes back, and what is damaged or too large is refused."""

import keras
import numpy as np
import pytest

from dfdetect.variables import open_parts, save_parts
from face_extraction.errors import InputError


def variables(*values):
    return [keras.Variable(np.array(value, np.float32)) for value in values]


def test_facts_and_parts_come_back(tmp_path):
    path = tmp_path / "state.npz"
    save_parts(path, {"one": variables([1, 2], 3)}, {"words": np.array("epoch 7")})
    one = variables([0, 0], 0)
    with open_parts(path) as stored:
        assert str(stored.arrays.read("words", 100)) == "epoch 7"
        stored.put_into({"one": one}, "of others")
    np.testing.assert_array_equal(one[0], [1, 2])
    assert float(one[1]) == 3


def test_another_number_of_variables_is_told_as_the_caller_wants(tmp_path):
    path = tmp_path / "state.npz"
    save_parts(path, {"one": variables(1)}, {})
    with pytest.raises(InputError, match=r"state\.npz: of others$"), open_parts(path) as stored:
        stored.put_into({"one": variables(1, 2)}, "of others")
