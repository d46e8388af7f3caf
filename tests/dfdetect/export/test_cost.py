"""The faces that give an export its ranges."""

import numpy as np
import pytest

from dfdetect.data.opening import open_manifest
from dfdetect.export import cost
from face_extraction.errors import InputError


class Model:
    input_shape = (None, 32, 32, 3)


class Clips:
    """Ten clips, each filled with its number."""

    labels = np.zeros(10, int)

    def __len__(self):
        return 10

    def load(self, index):
        return np.full((2, 4, 4, 3), index, np.uint8)


def test_so_many_clips_are_taken_as_fit_into_memory(monkeypatch):
    monkeypatch.setattr(cost, "_store", lambda *_: Clips())
    monkeypatch.setattr(cost, "REPRESENTATIVE", 3)
    found = cost.representative(None, None)
    assert (found.shape, found.dtype) == ((3, 2, 4, 4, 3), np.float32)
    assert found[:, 0, 0, 0, 0].tolist() == [0, 4, 9]
    monkeypatch.setattr(cost, "REPRESENTATIVE", 100)
    assert len(cost.representative(None, None)) == 10


def test_a_manifest_without_val_rows_is_told_from_one_whose_crops_cannot_be_read(make_manifest):
    manifest = make_manifest(train=4, val=0, test=4)
    with pytest.raises(InputError, match=r"it has no rows of split 'val', which int8 needs"):
        cost.representative(open_manifest(manifest), Model)
    for path in manifest.parent.glob("faces/test-*"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of its 4 faces of split 'test' can be read"):
        cost.measure_cost(open_manifest(manifest), Model, None)
