"""Results: what the page says of them."""

import numpy as np
import pytest

from dfdetect.evaluate import __main__ as evaluate
from dfdetect.render.figures import drawing
from dfdetect.runs.folder import Run
from face_extraction.images import read_rgb
from face_extraction.manifest import read_manifest

from ..small import run

pytestmark = pytest.mark.usefixtures("light")


def test_without_a_test_split_the_page_says_so(make_manifest, tmp_path, capsys):
    assert run(make_manifest(train=24, val=12, test=0), tmp_path / "run") == 0
    assert set(Run(tmp_path / "run").metrics()) == {"val"}
    page = (tmp_path / "run" / "index.html").read_text()
    assert "There is no test split" in page
    assert "in training (with dropout) and in validation" in page


def test_a_run_alone_is_calibrated_and_not_an_evaluation_of_the_same_faces(manifest, tmp_path):
    run(manifest, tmp_path / "run", "--epochs", "0")
    assert evaluate.main([str(tmp_path / "run"), "--split", "val", "--name", "again"]) == 0
    assert [path.parent.name for path in tmp_path.rglob("calibration.json")] == ["run"]


def test_the_figure_of_cases_gets_the_manifests_crops(manifest, tmp_path, monkeypatch):
    shown = {}

    def sheet(predictions, threshold, load, path):
        shown.update({sample.path: load(sample.path) for sample in predictions.samples})

    monkeypatch.setattr(drawing, "case_sheet", sheet)
    run(manifest, tmp_path / "run", "--epochs", "0")
    tested = [row.path for row in read_manifest(manifest) if row.split == "test"]
    assert list(shown) == tested
    for path in tested:
        np.testing.assert_array_equal(shown[path], read_rgb(manifest.parent / path))


@pytest.mark.parametrize("equal", [True, False])
def test_the_page_and_the_card_say_of_a_model_without_skill_that_it_has_none(
    manifest, tmp_path, monkeypatch, equal
):
    def scores(model, store, batch_size):
        return np.full(len(store), 0.3) if equal else np.where(store.labels == 1, 0.9, 0.1)

    monkeypatch.setattr("dfdetect.train.training.score_store", scores)
    run(manifest, tmp_path / "run")
    for name in ("index.html", "MODEL_CARD.md"):
        text = (tmp_path / "run" / name).read_text().replace("\\", "")
        assert ("This model shows no skill, so that no verdict is given: AUC 0.500" in text) == equal, name


def test_the_page_names_what_makes_the_losses_differ(manifest, tmp_path):
    run(manifest, tmp_path / "run", "--l2", "0.01", "--label-smoothing", "0.1", "--balance", "weights")
    words = "in training (with dropout, the L2 penalty, label smoothing, class weights) and in validation"
    assert words in (tmp_path / "run" / "index.html").read_text()
