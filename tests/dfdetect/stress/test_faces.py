"""Which faces are taken, and how they are read."""

import numpy as np
import pytest

from dfdetect.data.opening import open_manifest
from dfdetect.stress.faces import LARGEST, Chosen, as_inputs, draw, read_cases
from face_extraction.errors import InputError
from face_extraction.images import read_rgb, resize, write_image
from face_extraction.manifest import FaceSample, write_manifest


def units(sizes):
    return [
        (FaceSample(f"{group}-{number}.png", number % 2, "test", f"g{group}"),)
        for group, size in enumerate(sizes)
        for number in range(size)
    ]


def test_whole_groups_are_drawn_and_only_the_last_in_part():
    given = units([3, 1, 4, 2, 5, 2])
    drawn = draw(given, 8, seed=1)
    assert len(drawn) == 8
    assert drawn == [unit for unit in given if unit in drawn]  # in their order
    sizes = {first.group: 0 for (first,) in given} | {}
    for (first,) in drawn:
        sizes[first.group] += 1
    whole = dict(zip([f"g{group}" for group in range(6)], [3, 1, 4, 2, 5, 2], strict=True))
    assert sum(0 < count < whole[group] for group, count in sizes.items()) <= 1
    assert draw(given, 8, seed=1) == drawn
    assert any(draw(given, 8, seed=seed) != drawn for seed in range(2, 5))
    assert draw(given, 100, seed=1) == given


def test_faces_are_read_at_their_own_size_and_large_ones_smaller(tmp_path, portrait):
    wide = resize(portrait(1, 64)[0], LARGEST + 100)
    rows = [FaceSample("a.png", 0, "test", "a"), FaceSample("b.png", 1, "test", "b")]
    rows += [FaceSample("none.png", 0, "test", "c"), FaceSample("u.png", -1, "test", "d")]
    write_image(tmp_path / "a.png", wide)
    write_image(tmp_path / "b.png", portrait(2, 50)[0])
    write_manifest(tmp_path / "manifest.csv", rows)
    cases, ledger = read_cases(open_manifest(tmp_path), Chosen(limit=10), frames=0)
    assert [case.pictures[0].shape for case in cases] == [(LARGEST, LARGEST, 3), (50, 50, 3)]
    assert [row.path for row in ledger] == ["none.png"]
    inputs = as_inputs([case.pictures for case in cases], 32, 0)
    np.testing.assert_array_equal(inputs[1], resize(read_rgb(tmp_path / "b.png"), 32))
    write_manifest(tmp_path / "manifest.csv", rows[:1])
    with pytest.raises(InputError, match="gives 1 real and 0 fake; accepted: some of both"):
        read_cases(open_manifest(tmp_path), Chosen(), frames=0)


def test_clips_are_stacked():
    pictures = [np.full((20, 20, 3), level, np.uint8) for level in (1, 2, 3)]
    inputs = as_inputs([pictures, pictures], 16, 3)
    assert inputs.shape == (2, 3, 16, 16, 3)
    assert inputs[1, 2].min() == 3
