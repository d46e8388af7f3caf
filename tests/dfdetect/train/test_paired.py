"""A paired training as a user runs it, on drawn faces."""

import csv

import pytest

from dfdetect.data.paired import open_pairs
from dfdetect.recipe import Recipe
from dfdetect.runs.folder import Run
from dfdetect.train import __main__ as train
from dfdetect.train import fitting
from face_extraction.manifest import read_manifest

pytestmark = pytest.mark.usefixtures("light")

SMALL = "--model meso4 --weights none --image-size 32 --batch-size 4 --epochs 2 --augment paired".split()


@pytest.fixture
def manifest(write_portraits, tmp_path):
    return write_portraits(tmp_path / "data")


def test_reals_alone_can_be_trained_on(manifest, tmp_path, capsys):
    out = tmp_path / "run"
    assert train.main([*SMALL, "--manifest", str(manifest), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "The manifest has no fakes in val" in printed
    run = Run(out)
    for split, count in (("val", 12), ("test", 8)):
        scored = run.predictions(split)
        assert len(scored) == count
        assert scored.labels.tolist() == [0, 1] * (count // 2)
    with run.history_file.open(newline="") as handle:
        assert len(list(csv.DictReader(handle))) == 2
    assert run.metrics()["test"]["face"].n == 8
    assert run.recipe().augment == "paired"


def test_a_training_that_was_cut_is_shown_what_one_that_was_not_is(
    manifest, tmp_path, make_model, monkeypatch
):
    recipe = Recipe(augment="paired", image_size=32, batch_size=4, epochs=3, learning_rate=0.01)
    rows = [row for row in read_manifest(manifest) if row.split == "train"]
    store, _ = open_pairs(manifest, rows, recipe, title="open")
    val = Undisturbed(store)
    draw, shown = store.draw, {}

    def noted(indices, entropy):
        pictures = draw(indices, entropy)
        shown[tuple(entropy)] = (tuple(indices), [picture.tobytes() for picture in pictures])
        return pictures

    monkeypatch.setattr(store, "draw", noted)

    def fit(folder, watch=lambda row: None):
        folder.mkdir(exist_ok=True)
        shown.clear()
        fitting.fit(make_model(size=32), recipe, {"train": store, "val": val}, Run(folder), watch=watch)
        return dict(shown)

    class Cut(Exception):
        pass

    def cut(row):
        if row["epoch"] == 2:
            raise Cut

    whole = fit(tmp_path / "whole")
    assert sorted({epoch for _, epoch, _ in whole}) == [0, 1, 2]
    with pytest.raises(Cut):
        fit(tmp_path / "cut", cut)
    before = dict(shown)
    after = fit(tmp_path / "cut")
    assert {epoch for _, epoch, _ in after} == {2}
    assert before | after == whole


class Undisturbed:
    """The faces of a paired store as validation shows them."""

    def __init__(self, store):
        self.samples, self.labels, self.shape, self.load = (
            store.samples,
            store.labels,
            store.shape,
            store.load,
        )

    def __len__(self):
        return len(self.samples)
