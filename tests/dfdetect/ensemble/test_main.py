"""The command of ensembles: what it combines is a run like any other."""

import json
import shutil

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from dfdetect.ensemble import __main__ as ensemble
from dfdetect.evaluate import __main__ as evaluate
from dfdetect.metrics.calibrating import Calibration
from dfdetect.metrics.estimates import choose_threshold
from dfdetect.predict import __main__ as predict
from dfdetect.report import __main__ as report
from dfdetect.runs.build import load_model
from dfdetect.runs.calibration import for_kind, read_calibrations
from dfdetect.runs.folder import Run
from dfdetect.runs.scoring import score

pytestmark = pytest.mark.usefixtures("light")


def logit(p_fake):
    clipped = np.clip(p_fake, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))


@pytest.mark.parametrize("combine", ["mean", "weighted", "stacked"])
def test_scores_are_those_combined_by_hand(members, tmp_path, combine):
    folders = [str(run.folder) for run in members[:2]]
    out = tmp_path / "both"
    assert ensemble.main([*folders, "--combine", combine, "--out", str(out)]) == 0
    val, test = ([run.predictions(split) for run in members[:2]] for split in ("val", "test"))
    columns = np.stack([member.p_fake for member in test], axis=1)
    bias = 0.0
    if combine == "mean":
        expected, weights = columns.mean(axis=1), np.array([0.5, 0.5])
    elif combine == "weighted":
        skill = np.array([run.metrics()["val"]["face"].estimates["auc"].value - 0.5 for run in members[:2]])
        assert (skill > 0.2).all()
        weights = skill / skill.sum()
        expected = columns @ weights
    else:
        fitted = LogisticRegression().fit(
            np.stack([logit(member.p_fake) for member in val], axis=1), val[0].labels
        )
        expected = fitted.predict_proba(logit(columns))[:, 1]
        weights, (bias,) = fitted.coef_[0], fitted.intercept_
    # Validation faces alone set weights and threshold.
    facts = Run(out).environment()
    assert facts["members"] == pytest.approx(dict(zip("ab", weights, strict=True)))
    assert facts["bias"] == pytest.approx(bias)
    assert Run(out).threshold() == choose_threshold(Run(out).predictions("val"))
    # The 32-pixel member sees faces scaled from 48 pixels here, from 24 in its own run.
    p_fake = Run(out).predictions("test").p_fake
    np.testing.assert_allclose(p_fake, expected, atol=0.05)
    crops = members[0].folder.parent / "data"
    again, _ = score(load_model(Run(out)), crops, test[0].samples, batch_size=8)
    np.testing.assert_allclose(again.p_fake, p_fake, atol=1e-5)
    assert Run(out).metrics()["test"]["face"].n == 12


def test_it_has_no_training_of_its_own_to_show(members, tmp_path, capsys):
    out = tmp_path / "both"
    ensemble.main([*(str(run.folder) for run in members[:2]), "--out", str(out)])
    for name in ("recipe.toml", "index.html", "MODEL_CARD.md"):
        text = (out / name).read_text().replace("_", " ")
        assert "val share" in text
        assert "learning rate" not in text
    assert "learning_rate" in (out / "members" / "01.toml").read_text()
    capsys.readouterr()
    assert report.main(["from-runs", str(out), "--format", "csv"]) == 0
    assert '"48 pixels, 2 members"' in capsys.readouterr().out


def test_it_is_a_run_like_any_other(members, tmp_path, capsys):
    out = tmp_path / "both"
    ensemble.main([*(str(run.folder) for run in members[:2]), "--out", str(out)])
    assert evaluate.main([str(out), "--split", "val", "--name", "again"]) == 0
    again = Run(out).evaluation("again").predictions("val").p_fake
    np.testing.assert_allclose(again, Run(out).predictions("val").p_fake, atol=1e-5)
    picture = members[0].folder.parent / "data" / "faces" / "test-0.png"
    capsys.readouterr()
    predict.main([str(out), str(picture), "--whole", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    known = for_kind(read_calibrations(out), "photo") or Calibration()
    assert row["score"] == pytest.approx(float(known.apply(Run(out).predictions("test").p_fake[0])), abs=1e-5)


def test_one_that_was_cut_short_is_made_anew_and_a_finished_one_is_kept(members, tmp_path, capsys):
    out = Run(tmp_path / "both")
    command = [*(str(run.folder) for run in members[:2]), "--out", str(out.folder)]
    assert ensemble.main(command) == 0
    first = out.metrics_file.read_bytes()
    out.metrics_file.unlink()
    (out.folder / "predictions-test.csv").write_text("path,la")
    assert ensemble.main(command) == 0
    assert out.metrics_file.read_bytes() == first
    capsys.readouterr()
    for folder in (out.folder, members[0].folder):
        assert ensemble.main([*command[:-1], str(folder)]) == 2
        assert f"{folder}: exists already; give another --out" in capsys.readouterr().err


def test_an_empty_folder_is_used_and_one_that_another_process_fills_is_not(members, tmp_path, capsys):
    out = Run(tmp_path / "both")
    command = [*(str(run.folder) for run in members[:2]), "--out", str(out.folder)]
    with out.alone():
        assert ensemble.main(command) == 2
    assert f"{out.folder}: another process writes into it" in capsys.readouterr().err
    (out.folder / ".tmp-1-recipe.toml").write_text("model = ")  # what a kill leaves
    assert ensemble.main(command) == 0
    assert out.finished
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert ensemble.main([*command[:-1], str(tmp_path / "mine")]) == 2
    assert "holds files but is no run" in capsys.readouterr().err


def test_members_must_have_scored_the_same_faces(members, tmp_path, capsys):
    folders = [str(members[0].folder), str(members[2].folder)]
    assert ensemble.main([*folders, "--out", str(tmp_path / "x")]) == 2
    assert "its val faces differ from those of" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert ensemble.main([folders[0], "--out", str(tmp_path / "x")]) == 2
    assert "one run; accepted: two or more" in capsys.readouterr().err


def test_a_manifest_that_changed_is_refused(members, tmp_path, capsys):
    folder = shutil.copytree(members[0].folder.parent, tmp_path / "copy")
    copies = [Run(folder / run.folder.name) for run in members[:2]]
    for path in (path for run in copies for path in (run.recipe_file, run.folder / "environment.json")):
        path.write_text(path.read_text().replace(str(members[0].folder.parent), str(folder)))
    manifest = folder / "data" / "manifest.csv"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:-1]))
    assert ensemble.main([*(str(run.folder) for run in copies), "--out", str(tmp_path / "out")]) == 2
    assert "manifest.csv: changed since" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_member_named_twice_is_refused(members, tmp_path, capsys):
    folder = str(members[0].folder)
    assert ensemble.main([folder, f"{folder}/.", "--out", str(tmp_path / "both")]) == 2
    assert "named twice" in capsys.readouterr().err
    assert not (tmp_path / "both").exists()
