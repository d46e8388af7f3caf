"""The faces that give an export its ranges."""

import numpy as np

from dfdetect.export import cost


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
