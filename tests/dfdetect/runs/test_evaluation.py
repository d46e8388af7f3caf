"""An evaluation's folder: what is written is read back, and it is told apart from a run."""

import numpy as np
import pytest

from dfdetect.metrics.estimates import compute_metrics
from dfdetect.predictions import Predictions
from dfdetect.recipe import Recipe
from dfdetect.runs.evaluation import Evaluation
from dfdetect.runs.folder import Run, evaluation_in
from face_extraction.errors import InputError
from face_extraction.manifest import FaceSample


@pytest.fixture
def scored():
    samples = [FaceSample(f"{n}.png", n % 2, "test", f"g{n // 2}", video=f"{n // 2}") for n in range(8)]
    return Predictions(samples, np.linspace(0.1, 0.9, 8))


@pytest.fixture
def evaluation(tmp_path, scored):
    """A finished one."""
    run = Run(tmp_path / "run")
    run.begin(Recipe(split="random"), "digest")
    evaluation = run.evaluation("other")
    evaluation.folder.mkdir(parents=True)
    evaluation.write_environment({"manifest_sha256": "a", "leaks": ["seen before"]})
    evaluation.write_predictions("test", scored)
    evaluation.write_metrics(0.3, {"test": {"face": compute_metrics(scored, threshold=0.3, resamples=0)}})
    return evaluation


def test_what_was_written_is_read_back(evaluation, scored):
    assert evaluation.threshold() == 0.3
    assert evaluation.metrics()["test"]["face"].confusion == ((1, 3), (1, 3))
    np.testing.assert_array_equal(evaluation.predictions("test").p_fake, scored.p_fake)
    assert evaluation.history() == []
    assert [evaluation.has_predictions(split) for split in ("test", "val")] == [True, False]


def test_its_cautions_are_its_own_and_not_those_of_its_run(evaluation):
    assert evaluation.cautions() == ["seen before"]


def test_a_folder_tells_whether_it_is_a_run_or_an_evaluation(evaluation, tmp_path):
    assert evaluation_in(evaluation.folder) == evaluation
    assert type(evaluation_in(evaluation.folder)) is Evaluation
    assert evaluation_in(tmp_path / "run") == Run(tmp_path / "run")
    assert isinstance(evaluation_in(tmp_path / "nothing"), Run)  # its errors then speak of runs


def test_results_are_forgotten_as_a_whole(evaluation):
    evaluation.forget_results()
    assert [path.name for path in evaluation.folder.iterdir()] == ["environment.json"]
    with pytest.raises(InputError, match="other: no finished evaluation"):
        evaluation.threshold()
