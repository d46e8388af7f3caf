"""The command: figures of faces, and measured trust on a run's page."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dfdetect import explain
from dfdetect.explain.__main__ import main
from dfdetect.explain.orders import BASELINES
from dfdetect.explain.randomising import STAGES
from dfdetect.fakes.registry import list_kinds
from dfdetect.recipe import write_recipe
from dfdetect.runs.build import load_model
from dfdetect.runs.folder import Run
from face_extraction.images import read_rgb
from face_extraction.ledger import read_ledger
from face_extraction.manifest import FaceSample, write_manifest


@pytest.fixture
def run(finished, tmp_path):
    """A copy of the finished run."""
    shutil.copytree(finished.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_a_face_gets_a_figure_and_a_file_that_is_none_a_ledger_row(run, crop, tmp_path, capsys):
    assert (
        main([str(run.folder), "--faces", str(crop), str(tmp_path / "none.png"), "--out", str(tmp_path)]) == 1
    )
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{crop}, face 1: p_fake 0.")
    height, width = read_rgb(tmp_path / "001-test-0-1.png").shape[:2]
    assert width > 2 * height > 400
    (row,) = read_ledger(tmp_path / "ledger.csv")
    assert row.path == str(tmp_path / "none.png")
    assert main([str(run.folder), "--faces", str(crop), "--out", str(tmp_path)]) == 0
    assert not (tmp_path / "ledger.csv").exists()


@pytest.fixture
def unmoved(monkeypatch):
    """Nothing raises the score of any run's model: its last layer has no weights left."""

    def load(source):
        model = load_model(source)
        logit = model.get_layer("logit")
        logit.set_weights([np.zeros_like(each) for each in logit.get_weights()])
        return model

    monkeypatch.setattr("dfdetect.runs.build.load_model", load)


def test_an_empty_map_is_told_in_words_in_the_line_and_in_the_figure(
    run, crop, tmp_path, capsys, unmoved, monkeypatch
):
    drawn = []
    monkeypatch.setattr("dfdetect.explain.showing.explained_face", lambda face, maps, *_: drawn.extend(maps))
    command = [str(run.folder), "--faces", str(crop), "--out", str(tmp_path), "--methods"]
    assert main([*command, "grad_cam,grad_cam_pp"]) == 0
    assert [each.note for each in drawn] == [explain.EMPTY] * 2
    line = capsys.readouterr().out.splitlines()[0]
    assert f"; Grad-CAM: {explain.EMPTY}; Grad-CAM++: {explain.EMPTY}: " in line


def test_empty_maps_are_counted_by_measure(run, capsys, unmoved, monkeypatch):
    monkeypatch.setattr(Run, "threshold", lambda self: 0.5)
    assert main([str(run.folder), "--measure", "--methods", "grad_cam", "--limit", "4"]) == 0
    assert json.loads((run.explanation / "explain.json").read_text())["fading"]["empty"] == {"grad_cam": 4}
    said = "Empty maps, because nothing in the face raised the score: Grad-CAM 4."
    assert said in capsys.readouterr().out
    assert said in run.page.read_text()


def test_a_photo_without_a_face_is_listed(run, crop, capsys):
    assert main([str(run.folder), "--photo", str(crop)]) == 1
    (row,) = read_ledger(run.explanation / "ledger.csv")
    assert row.reason in ("no_face", "too_small")


def test_trust_is_measured_and_shown_on_the_page(run, capsys):
    before = run.page.read_text()
    command = [str(run.folder), "--measure", "--methods", "grad_cam_pp,occlusion", "--limit", "4"]
    assert main(command) == 0
    printed = capsys.readouterr().out
    found = json.loads((run.explanation / "explain.json").read_text())
    assert found["methods"] == ["grad_cam_pp", "occlusion"]
    orders = {"grad_cam_pp", "occlusion", *BASELINES}
    assert set(found["fading"]["orders"]) == orders
    assert found["fading"]["faces"] == 4
    assert found["fading"]["empty"] == {"grad_cam_pp": 0, "occlusion": 0}
    assert "Empty maps" not in printed
    assert 0 <= found["fading"]["orders"]["occlusion"]["deletion"]["value"] <= 1
    assert set(found["randomised"]["occlusion"]) == set(STAGES)
    told = {line.split(":")[0] for line in found["left_out"]}
    assert set(found["kinds"]) | told == {kind.name for kind in list_kinds()}
    assert len(found["kinds"]) > 2
    for kind in found["kinds"].values():
        assert set(kind["orders"]) == set(kind["repaired"]) == orders
        assert 0 < kind["area"] < 1
    assert "Grad-CAM++" in printed
    page = run.page.read_text()
    for said in ("What the scores rest on", "A notice that the page must keep."):
        assert said in page
    assert "What the scores rest on" not in before
    # Everything else on the page is as it was.
    assert [line for line in before.splitlines() if line not in page and "</nav>" not in line] == []
    for file in ("curves.png", "examples.png"):
        assert f'src="explain/{file}"' in page
        assert (run.explanation / file).is_file()
    again = (run.explanation / "explain.json").read_bytes()
    assert main(command) == 0
    assert (run.explanation / "explain.json").read_bytes() == again


def test_without_landmarks_or_a_crop_the_rest_is_measured(run, crop, tmp_path, capsys):
    splits = ("test",) * 4 + ("val",) * 2
    rows = [FaceSample(f"faces/test-{n}.png", n % 2, split, f"g{n}") for n, split in enumerate(splits)]
    shutil.copytree(crop.parent, tmp_path / "bare" / "faces")
    manifest = tmp_path / "bare" / "manifest.csv"
    write_manifest(manifest, rows)
    run.write_metrics(0.0, run.metrics())
    # What the recipe takes of its own manifest does not count for another one.
    write_recipe(run.recipe_file, replace(run.recipe(), per_class=1000, split="random"))
    out = tmp_path / "out"
    command = [str(run.folder), "--measure", "--methods", "grad_cam_pp", "--manifest", str(manifest)]
    broken = manifest.parent / "faces/test-3.png"
    whole = broken.read_bytes()
    broken.write_bytes(b"no picture")
    assert main([*command, "--limit", "2", "--out", str(out)]) == 1
    assert [row.path for row in read_ledger(out / "unscored.csv")] == ["faces/test-3.png"]
    broken.write_bytes(whole)
    assert main([*command, "--limit", "2", "--out", str(out)]) == 0
    assert not (out / "unscored.csv").exists()
    found = json.loads((out / "explain.json").read_text())
    assert found["kinds"] == {}
    assert "no landmarks of these faces" in found["left_out"][0]
    assert not (out / "examples.png").exists()
    assert "No fakes with known regions" in capsys.readouterr().out


def test_wrong_use_is_told_in_one_line(run, crop, capsys):
    def told(*arguments):
        assert main([str(run.folder), *map(str, arguments)]) == 2
        return capsys.readouterr().err

    assert "nearest: grad_cam" in told("--faces", crop, "--methods", "grad_kam")
    assert "has no attention; accepted: grad_cam" in told("--faces", crop, "--methods", "attention_rollout")
    assert "run: a run folder, whose own files" in told("--faces", crop, "--out", run.folder)
    assert main(["small", "--faces", str(crop)]) == 2
    assert "small: it ships with the package, and stays as it is; give --out" in capsys.readouterr().err
    assert "--limit without --measure" in told("--faces", crop, "--limit", 5)
    assert "--manifest without --measure" in told("--photo", crop, "--manifest", crop)
    assert "--limit 0; accepted: 1" in told("--measure", "--limit", 0)
    run.write_metrics(1.0, run.metrics())
    assert "calls none of 12 faces" in told("--measure")
    run.page.unlink()
    assert "give --out DIR" in told("--measure")


def test_methods_are_listed(run, capsys):
    assert main([str(run.folder), "--list"]) == 0
    printed = capsys.readouterr().out
    assert "grad_cam: " in printed
    assert "attention_rollout" not in printed


def test_a_run_of_an_older_version_keeps_its_page(run, capsys):
    facts = run.environment()
    del facts["notices"]
    run.write_environment(facts)
    before = run.page.read_text()
    assert main([str(run.folder), "--measure", "--methods", "grad_cam_pp", "--limit", "2"]) == 0
    assert "stays as it is" in capsys.readouterr().out
    assert run.page.read_text() == before


def test_the_detector_that_ships_is_explained_by_its_name(crop, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["small", "--faces", str(crop), "--out", str(tmp_path / "out")]) == 0
    assert "face 1: p_fake" in capsys.readouterr().out
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".png"]


def test_listing_needs_no_folder_that_can_be_written(run, monkeypatch, capsys):
    monkeypatch.setattr("dfdetect.out_folder.os.access", lambda path, mode: False)
    assert main([str(run.folder), "--list"]) == 0
    assert main([str(run.folder), "--measure"]) == 2
    assert "cannot be written; give another --out" in capsys.readouterr().err
